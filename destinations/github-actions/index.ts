import { type DestinationKind, exampleToken, parseSettings } from "../destination.ts";
import { githubActionsSettings } from "./settings.ts";

/** Secrets of GitHub Actions. */
export const githubActions: DestinationKind = {
  kind: "github-actions",
  title: "GitHub Actions",
  capabilities: { activation: "next-run", proof: "updated_at", compareAndSwap: "none", marks: "value" },
  settings: githubActionsSettings,
  nameMistake: (name) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name))
      return "a secret's name has letters, digits and _, and does not begin with a digit";
    return /^GITHUB_/i.test(name) ? "names that begin with GITHUB_ are GitHub's own" : undefined;
  },
  hosts: (settings) => [new URL(parseSettings(githubActionsSettings, settings).origin).host],
  docs: {
    about:
      "A secret of a repository's environment, of a whole repository, or of an organization. A run is given it when it begins, so Rekey waits until no run that began before the write is still in progress, or for `longestRun` where it cannot see the runs.",
    binding:
      "Rekey asks for the repository and the environment (or the organization) by name before each write, and refuses one that was renamed or is missing.",
    limits: [
      "GitHub never shows a value again: a change is noticed by `updated_at`, in whole seconds.",
      "Sharing of an organization's secret is read first and sent again unchanged, because the call would reset it.",
      "Dependabot and Codespaces have secrets of their own, which this does not write.",
    ],
    needs:
      "a token of a GitHub App with `secrets: write` (for an environment `environments: write`, for an organization `organization_secrets: write`), and `actions: read` to see runs",
    example: {
      kind: "github-actions",
      token: exampleToken,
      repository: "acme/shop",
      environment: "production",
    },
  },
  adapter: () => import("./adapter.ts"),
};
