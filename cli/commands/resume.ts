import { askAdmin } from "../ask-admin.ts";
import type { Register } from "../command.ts";
import { type ScopeOptions, scopeOf, withScope } from "../scope.ts";

export const resume: Register = (program, perform) => {
  withScope(program.command("resume")).action((secret: string | undefined, options: ScopeOptions) =>
    perform(async (cli) => {
      const answer = await askAdmin(cli, { command: "resume", ...scopeOf(secret, options) });
      const others = Array.isArray(answer["others"]) ? answer["others"].map(String) : [];
      const scope = String(answer["scope"]);
      const first =
        answer.outcome === "resumed" ? `resumed for ${scope}` : `nothing was stopped for ${scope}`;
      return {
        json: { type: "resume", ...answer },
        lines: [first, ...others.map((other) => `still stopped for ${other}`)],
      };
    }),
  );
};
