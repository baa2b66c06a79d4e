import { type DestinationKind, environmentNameMistake, exampleToken, parseSettings } from "../destination.ts";
import { vercelSettings } from "./settings.ts";

/** Environment variables of a Vercel project. */
export const vercel: DestinationKind = {
  kind: "vercel",
  title: "Vercel",
  capabilities: { activation: "redeploy", proof: "updated_at", compareAndSwap: "none", marks: "value" },
  settings: vercelSettings,
  nameMistake: (name) =>
    /^(?:VERCEL|NOW)_/.test(name)
      ? "names that begin with VERCEL_ are Vercel's own"
      : environmentNameMistake(name),
  hosts: (settings) => [new URL(parseSettings(vercelSettings, settings).origin).host],
  docs: {
    about:
      "An environment variable of one project and one target. Only a new deployment sees it: Rekey starts a fresh build from the project's repository and waits until that deployment, or a newer one, serves the target.",
    binding:
      "Project and team are ids, the target has no default, and both are asked for before each write. A record that also covers another target is refused, or split where the deployment says so.",
    limits: [
      "Variables of one preview branch are records of their own, which this does not touch.",
      "A project without a connected repository is not built by Rekey: deploy it, and Rekey sees that.",
      "An Ignored Build Step cancels a build of the same commit; Rekey says so, and the retiring key stays alive.",
      "Promoting or rolling back to an older deployment brings the retiring key back: the sweep notices it and pages.",
    ],
    needs:
      "a token of the team that may read and write the project's environment variables and create deployments",
    example: {
      kind: "vercel",
      token: exampleToken,
      project: "prj_EXAMPLE",
      team: "team_EXAMPLE",
      target: "production",
    },
  },
  adapter: () => import("./adapter.ts"),
};
