import { shortName } from "../../../core/principal.ts";
import { utcText } from "../../../core/utc.ts";
import type { AdminDeps } from "../../deps.ts";
import { runbookFor } from "../../incident/paging/runbook.ts";
import type { What } from "./what.ts";

interface Asked {
  readonly order: string;
  readonly name: string;
  readonly what: What;
  readonly askedBy: string;
  readonly untilMs: number;
}

/**
 * Who may approve hears of it through the channels that there are: without that an order would wait until somebody
 * looks. Names of the channels that took it; if none did, the order waits all the same.
 */
export async function tellApprovers(
  { order, name, what, askedBy, untilMs }: Asked,
  { escalator, twoPeople }: AdminDeps,
): Promise<readonly string[]> {
  const roles = twoPeople === "off" ? [] : twoPeople.mayApprove;
  const asked = Object.entries(what).map(([field, text]) => `${field}: ${text.slice(0, textLengthMax)}`);
  const why = [`${askedBy} asks, and ${roles.join(" or ")} may approve until ${utcText(untilMs)}.`, ...asked];
  const { delivered } = await escalator.page({
    ...{ incidentId: "none", reason: "rotation", severity: "notify", test: false, links: [] },
    title: `${shortName(askedBy)} asks for a second person: ${name.replace("-", " ")}`,
    why: why.slice(0, linesMax).join("\n"),
    steps: [`rekey approve ${order}`],
    runbook: runbookFor("secondPerson"),
    about: { secretArns: [], deadlineAtMs: untilMs },
  });
  return delivered;
}

const textLengthMax = 300;
/** An `apply` may weaken up to two hundred things: `rekey approve` shows them all. */
const linesMax = 12;
