import { type DestinationKind, environmentNameMistake, exampleToken, parseSettings } from "../destination.ts";
import { flySettings } from "./settings.ts";

/** Secrets of a Fly.io app. */
export const fly: DestinationKind = {
  kind: "fly",
  title: "Fly.io",
  capabilities: { activation: "restart", proof: "digest", compareAndSwap: "none", marks: "value" },
  settings: flySettings,
  nameMistake: environmentNameMistake,
  hosts: (settings) => [new URL(parseSettings(flySettings, settings).origin).host],
  docs: {
    about:
      "A secret of one app. Machines are given it when they start, so Rekey restarts every machine that runs and waits until each has started since the write.",
    binding:
      "The app has to belong to the organization that the deployment names, and every machine has to have `REKEY_ENVIRONMENT` with the deployment's stage in its configuration (`[env]` of fly.toml).",
    limits: [
      "The value is never shown again; its digest and the time of its last change are.",
      "Rekey asks for the restarts one after the other and does not wait in between: an app with few machines is away while they start.",
      "A machine that is stopped has no key; it is given the new one when it starts.",
      "An app has at most 100 machines here.",
    ],
    needs: "a deploy token of that app",
    example: { kind: "fly", token: exampleToken, app: "shop", organization: "acme" },
  },
  adapter: () => import("./adapter.ts"),
};
