import { utcText } from "../core/utc.ts";
import type { Answer } from "../functions/admin/command.ts";
import { type Cli, CliFailure, EndsEarly, type ExitCode, exitCodes, type Shown } from "./command.ts";

/** Sends one command as the caller's principal. A refusal is thrown as the failure that the person sees. */
export async function askAdmin(cli: Cli, command: Readonly<Record<string, unknown>>): Promise<Answer> {
  const answer = await answerOfAdmin(cli, command);
  const hidden = Number(answer["keysHidden"] ?? 0);
  if (hidden > 0) cli.terminal.err(`rekey: ${keysHidden(hidden)}`);
  if (answer.outcome === "pending") throw new EndsEarly(waits(answer));
  if (Array.isArray(answer["paged"])) cli.terminal.err(`rekey: ${givenAlone(answer["paged"])}`);
  if (answer.outcome !== "refused") return answer;
  const { reason, detail, hint } = answer;
  throw new CliFailure(String(detail), {
    hint: typeof hint === "string" ? hint : undefined,
    exitCode: exitCodeFor(String(reason)),
    facts: answer,
  });
}

/** Nothing has happened yet, so a script must not go on as if it had. */
function waits(answer: Answer): Shown {
  const order = String(answer["order"]);
  const what = Object.entries(answer["what"] as Readonly<Record<string, string>>);
  return {
    json: { type: "pending", ...answer },
    lines: [
      `nothing was done yet: this needs a second person, until ${utcText(Number(answer["untilMs"]))}`,
      ...what.map(([field, value]) => `  ${field}: ${value}`),
      "whoever may approve it runs:",
      `  rekey approve ${order}`,
    ],
    exitCode: exitCodes.refused,
  };
}

function givenAlone(paged: readonly unknown[]): string {
  const through =
    paged.length === 0 ? "nobody could be reached" : `everybody was paged (${paged.join(", ")})`;
  return `you ordered this alone, and the record says so; ${through}`;
}

function keysHidden(count: number): string {
  const found = count === 1 ? "a key was" : `${count} keys were`;
  return `${found} found in what you wrote; only the beginning of its fingerprint is kept in its place`;
}

/** The same, but a refusal is returned like any other answer. */
export async function answerOfAdmin(cli: Cli, command: Readonly<Record<string, unknown>>): Promise<Answer> {
  const { admin } = await cli.reach();
  if (admin === undefined) throw unknownAddress();
  return admin(command);
}

function exitCodeFor(reason: string): ExitCode {
  if (reason === "InputInvalid") return exitCodes.usage;
  return reason === "StoreUnavailable" || reason === "LedgerContended"
    ? exitCodes.unreachable
    : exitCodes.refused;
}

function unknownAddress(): CliFailure {
  return new CliFailure("the address of the admin function is not known", {
    hint: "set REKEY_ADMIN_URL to the function URL that the deployment printed",
    exitCode: exitCodes.usage,
  });
}
