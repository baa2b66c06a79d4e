import { utcText } from "../../core/utc.ts";
import type { Applied } from "../../functions/admin/apply/one-secret.ts";
import type { Answer } from "../../functions/admin/command.ts";
import { askAdmin } from "../ask-admin.ts";
import { type Cli, CliFailure, exitCodes, type Register, type Shown } from "../command.ts";
import { headedTable } from "../table.ts";
import { shortName } from "../text.ts";

/** One round of an approved `apply` handles a hundred secrets, or as many as it can in 15 seconds. */
const roundsMax = 500;

export const approve: Register = (program, perform) => {
  program
    .command("approve")
    .argument("[order]", "an order's id, or a rotation's; without it, lists the orders that wait")
    .option("--digest <sha256>", "confirm what was shown before; without it, shows what there is to approve")
    .action((order: string | undefined, { digest }: { digest?: string }) =>
      perform(async (cli) => {
        if (order === undefined) return listed(await askAdmin(cli, { command: "approve" }));
        const answer = await approved(cli, { order, ...(digest !== undefined && { digest }) });
        return answer.outcome === "shown" ? shown(order, answer) : done(answer);
      }),
    );
};

/** An approved `apply` goes on where the last call stopped. */
async function approved(
  cli: Cli,
  asked: { readonly order: string; readonly digest?: string },
): Promise<Answer> {
  const reached: string[] = [];
  for (let round = 0; round < roundsMax; round += 1) {
    const rest = reached.length === 0 ? {} : { reached };
    const answer = await askAdmin(cli, { command: "approve", ...asked, ...rest });
    if (answer.outcome !== "notFinished") return answer;
    const secrets = answer["secrets"] as readonly Applied[];
    reached.push(
      ...secrets.filter(({ outcome }) => outcome !== "notReached").map(({ secretArn }) => secretArn),
    );
  }
  throw new CliFailure(`not finished after ${roundsMax} rounds`, {
    hint: `run it again: \`rekey approve ${asked.order}\``,
    exitCode: exitCodes.unreachable,
  });
}

function listed(answer: Answer): Shown {
  const orders = answer["orders"] as readonly Readonly<Record<"order" | "command" | "askedBy", string>>[];
  const rows = orders.map(({ order, command, askedBy }) => [order, command, shortName(askedBy)]);
  return {
    json: { type: "approve", ...answer },
    lines: rows.length === 0 ? ["no order waits"] : [headedTable(["ORDER", "COMMAND", "ASKED BY"], rows)],
  };
}

function shown(order: string, answer: Answer): Shown {
  const what = Object.entries(answer["what"] as Readonly<Record<string, string>>);
  const lines = [
    `${nameOf(answer)}, asked for by ${String(answer["askedBy"])}:`,
    ...what.map(([field, value]) => `  ${field}: ${value}`),
  ];
  const json = { type: "approve", ...answer };
  if (answer["digest"] === undefined) return { json, lines: [...lines, String(answer["mayNot"])] };
  const until = utcText(Number(answer["untilMs"]));
  const next = `  rekey approve ${order} --digest ${String(answer["digest"])}`;
  return { json, lines: [...lines, `approve it until ${until} with:`, next] };
}

function done(answer: Answer): Shown {
  const json = { type: "approve", ...answer };
  if (answer.outcome !== "approved")
    return { json, lines: [`${nameOf(answer)} is approved, and done: ${answer.outcome}`] };
  const next =
    answer["run"] === "woken" ? "the rotation goes on now" : "the rotation waits for something else";
  return { json, lines: [`${nameOf(answer)} is approved`, next] };
}

/** A step of a rotation, or the command that was ordered. */
function nameOf(answer: Answer): string {
  if (answer["command"] !== undefined) return `${String(answer["order"])} (${String(answer["command"])})`;
  const step = answer["kind"] === "promote" ? "promotion" : "revoke";
  return `the ${step} of ${String(answer["name"])}`;
}
