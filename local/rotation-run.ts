import { setTimeout as pause } from "node:timers/promises";
import type { LogLine } from "../functions/deps.ts";
import type { RotationRecord } from "../ledger/entries.ts";
import type { Start } from "./demonstration.ts";
import {
  type Demonstration,
  type DemonstrationOptions,
  secretName,
  startDemonstration,
} from "./demonstration.ts";
import { rotationLine } from "./narration.ts";
import { complaintsOfButton, pressButton } from "./native-button.ts";
import type { Screen } from "./screen.ts";
import { stay } from "./stay.ts";
import { complaintsOf, type Summary, summarize, troubleIn } from "./summary.ts";

/** Far above the usual 15 s; a run that needs more has broken a rule. */
const runMaxMs = 90_000;
const pollMs = 100;
/** Traffic on the incoming key alone, so that a key revoked too early would show. */
const afterMs = 1_500;

export async function runRotation(start: Start & { readonly native?: boolean }): Promise<number> {
  const { shown } = start;
  const startedAt = Date.now();
  const company = await startDemonstration({ ...openingFor(start), onLog: narrator(shown) });
  try {
    introduce(company, shown);
    if (start.native) await pressButton(company, shown);
    else await company.rekey("rotate", secretName, "--reason", "npm start");
    if (company.supply !== undefined) {
      shown.say("the provider makes no keys by API: a person makes one and gives it to `rekey supply`");
      await company.supply();
    }
    const rotation = await finished(company);
    await pause(afterMs);
    const { executionArn, death, incomingKeyId, incomingVersionId } = rotation;
    const summary = await summarize({
      ...{ company, executionArn, outcome: rotation.outcome, runId: rotation.rotationId },
      probes: death?.probes ?? 0,
      isSeenDead: death !== undefined,
      incoming: { keyId: incomingKeyId, versionId: incomingVersionId },
      ms: Date.now() - startedAt,
    });
    const complaints = [
      ...complaintsOf(summary, { outcome: "rotated", mayFail: false }),
      ...(start.native ? await complaintsOfButton(company) : []),
    ];
    conclude({ shown, summary, complaints });
    if (start.stay) await stay(company, start);
    return complaints.length === 0 ? 0 : 1;
  } finally {
    await company.close();
  }
}

/** What both demonstrations open their company with. */
export function openingFor({ shown, ending, port, standIn }: Start): DemonstrationOptions {
  return {
    onProgress: (text) => {
      if (!ending.hasBegun) shown.say(text);
    },
    onOpen: (close) => ending.before(close),
    ...(port !== undefined && { port }),
    ...(standIn !== undefined && { standIn }),
  };
}

export function introduce(company: Demonstration, shown: Screen): void {
  const who = company.consumers.join(", ");
  shown.say(`${who} make 120 requests/s with key ${company.retiringKeyId} of ${secretName}`);
}

/** Prints the functions' log lines as they happen, in words for people. */
export function narrator(shown: Screen): (line: LogLine) => void {
  let startedAt: number | undefined;
  return (line) => {
    const told = rotationLine(line);
    if (told === undefined) return;
    startedAt ??= Date.now();
    shown.step({ elapsedMs: Date.now() - startedAt, secret: nameIn(line), ...told });
  };
}

/** Of an ARN the name, without the six letters that Secrets Manager appends to it. */
function nameIn(line: LogLine): string {
  return /:secret:(.+)-\w{6}$/.exec(String(line["secretArn"]))?.[1] ?? "";
}

/** A rotation waits long for a program that has crashed; here nobody starts it again. */
export function stillThere({ fleet }: Demonstration): void {
  const [ended] = fleet.ended();
  if (ended !== undefined) throw new Error(ended);
}

async function finished(company: Demonstration): Promise<RotationRecord> {
  for (const untilMs = Date.now() + runMaxMs; Date.now() < untilMs; ) {
    const [rotation] = await company.ledger.rotations(company.secretArn);
    if (rotation !== undefined && rotation.outcome !== "running") return rotation;
    stillThere(company);
    await pause(pollMs);
  }
  throw new Error(
    [`the rotation has not ended after ${runMaxMs / 1000} s`, ...troubleIn(company.cloud)].join("; "),
  );
}

function conclude(end: { shown: Screen; summary: Summary; complaints: readonly string[] }): void {
  const { shown, summary, complaints } = end;
  const { traffic, retiring, incoming, audit, certificate } = summary;
  shown.say(`${summary.outcome} in ${(summary.ms / 1000).toFixed(1)} s, boot included`);
  shown.verdict({
    isGood: traffic.failed === 0,
    text: `${traffic.requests} requests served, ${traffic.failed} failed`,
  });
  shown.verdict({
    isGood: retiring.dead,
    text: `retiring key ${retiring.keyId} refused ${retiring.probes} times in a row: dead`,
  });
  shown.verdict({
    isGood: summary.consumers.every(({ adopted }) => adopted),
    text: `incoming key ${incoming.keyId ?? "none"} held by every instance`,
  });
  shown.verdict({ isGood: audit.verified, text: `audit chain of ${audit.entries} entries verified` });
  showCertificate(shown, certificate);
  countUp(shown, summary);
  if (complaints.length > 0)
    shown.error(complaints, "the steps above say what was decided and why; `--stay` keeps the cloud running");
  shown.summary(summary);
}

export function showCertificate(shown: Screen, { path, keyPath, verified }: Summary["certificate"]): void {
  shown.verdict({ isGood: verified, text: `certificate ${path} verified offline` });
  shown.say(`check it yourself: npx rekey verify ${path} --key ${keyPath}`);
}

export function countUp(shown: Screen, { machine, calls }: Summary): void {
  shown.say(
    `${machine.transitions} states entered, ${machine.retries} retries; calls: ${calls.secretsManager} Secrets Manager, ${calls.provider} provider, ${calls.dynamodb} DynamoDB`,
  );
}
