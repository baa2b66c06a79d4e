import { keylessText } from "../../core/federated.ts";
import { policyFileJsonSchema } from "../../events/policy-file/json-schema.ts";
import { declaredKinds } from "../../providers/declared-kinds.ts";
import type { Register } from "../command.ts";
import { firingsText } from "../firings.ts";
import { readPolicyFiles } from "../policy-files.ts";
import { headedTable } from "../table.ts";
import { plural } from "../text.ts";

export const lint: Register = (program, perform) => {
  program
    .command("lint")
    .argument("[files...]", "policy files, or folders of them (default: rekey.yml)")
    .option(
      "--schema",
      "print the JSON Schema of policy files, which editors check them with while you write",
    )
    .action((named: readonly string[], { schema = false }: { readonly schema?: boolean }) =>
      perform(async (cli) => {
        if (schema) {
          const text = policyFileJsonSchema(declaredKinds);
          return {
            json: { type: "schema", schema: text },
            isFile: true,
            lines: JSON.stringify(text, undefined, 1).split("\n"),
          };
        }
        const { files, policies, federated, environment } = await readPolicyFiles(cli, named);
        const nowMs = cli.terminal.nowMs();
        const rows = policies.map((policy) => {
          const { name, mode, file = "", schedule = "manual" } = policy;
          return [name, mode, schedule, firingsText(policy, nowMs), file];
        });
        const keyless = federated.map((each) => [each.name, "no key", "-", keylessText(each), each.file]);
        const count = policies.length + federated.length;
        const sizes = `${plural(files.length, "file")}, ${plural(count, "secret")} of ${environment}`;
        return {
          json: { type: "lint", environment, files: files.length, secrets: count },
          lines: [
            headedTable(["SECRET", "MODE", "SCHEDULE", "NEXT", "FILE"], [...rows, ...keyless]),
            `${sizes}, no mistakes`,
          ],
        };
      }),
    );
};
