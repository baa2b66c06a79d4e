import { type DestinationKind, environmentNameMistake, exampleToken, parseSettings } from "../destination.ts";
import { gitlabCiSettings } from "./settings.ts";

/** CI/CD variables of a GitLab project. */
export const gitlabCi: DestinationKind = {
  kind: "gitlab-ci",
  title: "GitLab CI/CD",
  capabilities: { activation: "next-run", proof: "read-back", compareAndSwap: "none", marks: "value" },
  settings: gitlabCiSettings,
  nameMistake: (name) =>
    /^(?:CI|GITLAB)_/.test(name)
      ? "names that begin with CI_ or GITLAB_ are GitLab's own"
      : environmentNameMistake(name),
  hosts: (settings) => [new URL(parseSettings(gitlabCiSettings, settings).origin).host],
  docs: {
    about:
      "A variable of one project and one environment scope, for new pipelines. Rekey waits until no pipeline that was there at the write is still running, or for `longestRun`.",
    binding:
      "The project is named by its number, the scope has no default, and the scope has to have a variable `REKEY_ENVIRONMENT` with the deployment's stage, which is read before each write.",
    limits: [
      "A hidden variable is refused: GitLab does not show it again, nor when it was changed.",
      "Rekey writes `raw: true`, because GitLab would replace `$` in the key otherwise; whether the variable is masked or protected stays as it is.",
      "A new variable is masked and protected unless the deployment says `masked: false` or `protected: false`; a protected one reaches only pipelines of protected branches and tags, and GitLab refuses to mask a value that does not fit its rules.",
    ],
    needs: "a project access token with the scope `api` and the role Maintainer",
    example: { kind: "gitlab-ci", token: exampleToken, project: 1234, scope: "production" },
  },
  adapter: () => import("./adapter.ts"),
};
