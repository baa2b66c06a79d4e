import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { CopyEvidence } from "../core/adoption/evidence.ts";
import type { RotationRecord } from "../ledger/entries.ts";
import { type CheckedCertificate, checkCertificate } from "./certificate.ts";
import { type Demonstration, type Start, secretName, startDemonstration } from "./demonstration.ts";
import { type FanOutCompany, fanOutCompany } from "./fanout/company.ts";
import { programConsumers, programInstances } from "./fanout/programs.ts";
import { type Restarts, sumOf } from "./fanout/tally.ts";
import { type LeakSummary, leaked, rotatedInTrouble, type TroubleSummary } from "./fanout/trial.ts";
import { narrator, openingFor, showCertificate } from "./rotation-run.ts";
import type { Screen } from "./screen.ts";
import { stay } from "./stay.ts";
import { troubleIn } from "./summary.ts";

const heardMaxMs = 60_000;
/** Usually half a minute; a machine that others use too takes its time with nine places. */
const runMaxMs = 300_000;
const pollMs = 100;
/** Of each of six instances; the places and the two programs make as many again. */
const requestsPerSecondEach = 2;
/** Traffic on the incoming key alone, so that a key revoked too early would show. */
const afterMs = 1_500;

/** What `--json` prints as its last line. */
export interface FanOutSummary {
  readonly type: "fanout";
  readonly outcome: string;
  readonly secret: string;
  readonly destinations: readonly {
    readonly name: string;
    readonly kind: string;
    readonly activation: string;
    readonly proof: string;
    /** The place's own word for what it holds. */
    readonly mark: string | undefined;
    readonly adopted: boolean;
    readonly certified: boolean;
  }[];
  readonly programs: readonly { readonly name: string; readonly kind: string; readonly adopted: boolean }[];
  /** Of the program under `rekey exec`: one host after another, as Rekey permits. */
  readonly restarts: Restarts;
  readonly requests: number;
  readonly failedRequests: number;
  readonly retiringKeyDead: boolean;
  readonly certificate: CheckedCertificate;
  /** The next rotation, during which places are in trouble. */
  readonly troubled: TroubleSummary;
  /** And a leak, during which they are in trouble again. */
  readonly leak: LeakSummary;
  readonly trouble: readonly string[];
}

/** One key at many places: rotated under traffic, and each place says itself that it uses the new one. */
export async function runFanOut(start: Start): Promise<number> {
  const { shown, ending } = start;
  const around = await fanOutCompany();
  ending.before(() => around.close());
  try {
    const company = await startDemonstration({
      ...openingFor(start),
      onLog: narrator(shown),
      own: around.own,
      pace: requestsPerSecondEach,
    });
    try {
      const summary = await rotated(company, around, shown);
      const complaints = complaintsOf(summary);
      conclude({ shown, summary, complaints });
      if (start.stay) await stay(company, start);
      return complaints.length === 0 ? 0 : 1;
    } finally {
      await company.close();
    }
  } finally {
    await around.close();
  }
}

async function rotated(company: Demonstration, around: FanOutCompany, shown: Screen): Promise<FanOutSummary> {
  const names = around.places().map(({ name, kind }) => `${name} (${kind})`);
  shown.say(`the key is ${company.secretArn}, with copies at ${names.join(", ")}`);
  shown.say("one program runs under `rekey exec` on three hosts, and one asks `rekey agent`");
  await around.startPrograms();
  await heardOf(company);
  await company.rekey("rotate", secretName, "--reason", "npm start -- fanout");
  const rotation = await finished(company);
  if (rotation.outcome !== "rotated") {
    const why = [
      `the rotation ended as ${rotation.outcome}: ${rotation.reason}`,
      ...troubleIn(company.cloud),
    ];
    throw new Error(why.join("; "));
  }
  await pause(afterMs);
  const summary = await summarize({ company, around, rotation });
  showPlaces(shown, summary);
  const trial = { company, around, shown };
  const troubled = await rotatedInTrouble(trial);
  const leak = await leaked(trial);
  await pause(afterMs);
  const { requests, failed: failedRequests } = sumOf([company.fleet.tally(), around.tally()]);
  return { ...summary, troubled, leak, requests, failedRequests, trouble: troubleIn(company.cloud) };
}

async function heardOf({ ledger, secretArn, cloud }: Demonstration): Promise<void> {
  for (const untilMs = Date.now() + heardMaxMs; Date.now() < untilMs; await pause(pollMs)) {
    const evidence = await ledger.evidence(secretArn);
    const isHeard = ([kind, instances]: [string, number]) =>
      evidence.filter((item) => item.kind === kind).length >= instances;
    if (Object.entries(programInstances).every(isHeard)) return;
  }
  throw new Error(["the two programs have not reported", ...troubleIn(cloud)].join("; "));
}

async function finished({ ledger, secretArn, cloud }: Demonstration): Promise<RotationRecord> {
  for (const untilMs = Date.now() + runMaxMs; Date.now() < untilMs; await pause(pollMs)) {
    const [rotation] = await ledger.rotations(secretArn);
    if (rotation !== undefined && rotation.outcome !== "running") return rotation;
  }
  const why = [`the rotation has not ended after ${runMaxMs / 1000} s`, ...troubleIn(cloud)];
  throw new Error(why.join("; "));
}

async function summarize(facts: {
  readonly company: Demonstration;
  readonly around: FanOutCompany;
  readonly rotation: RotationRecord;
}): Promise<Omit<FanOutSummary, "troubled" | "leak">> {
  const { company, around, rotation } = facts;
  const { ledger, secretArn, fleet, provider, cloud } = company;
  const evidence = await ledger.evidence(secretArn);
  const { keys } = await ledger.secret(secretArn);
  const incoming = keys.find(({ keyId }) => keyId === rotation.incomingKeyId)?.fingerprint;
  const certificate = await checkCertificate(cloud, rotation.rotationId);
  const certified = certifiedIn(certificate.path);
  const destinations = around.places().map(({ name, kind }) => {
    const seen = evidence.find(
      (item): item is CopyEvidence =>
        item.kind === "copy" && item.destination === name && item.versionId === rotation.incomingVersionId,
    );
    const { activation = "unknown", proof = "none", mark, state } = seen ?? {};
    const adopted = state === "active";
    return { name, kind, activation, proof, mark, adopted, certified: certified.includes(name) };
  });
  const programs = Object.entries(programConsumers).map(([kind, name]) => {
    const own = evidence.filter((item) => "holds" in item && item.kind === kind && item.consumer === name);
    const adopted =
      own.length > 0 && own.every((item) => "holds" in item && item.holds.fingerprint === incoming);
    return { name, kind, adopted };
  });
  const { requests, failed: failedRequests } = sumOf([fleet.tally(), around.tally()]);
  const retiring = provider.state().find(({ keyId }) => keyId === company.retiringKeyId);
  return {
    ...{ type: "fanout", outcome: rotation.outcome, secret: secretArn, destinations, programs },
    ...{ restarts: around.restarts(), requests, failedRequests },
    retiringKeyDead: rotation.death !== undefined && retiring?.isAccepted === false,
    certificate,
    trouble: troubleIn(cloud),
  };
}

interface Statement {
  readonly predicate: {
    readonly adoption: { readonly rows: readonly { readonly copy?: { readonly destination: string } }[] };
  };
}

/** The places whose proof the signed certificate holds. */
function certifiedIn(path: string): readonly string[] {
  const { payload } = JSON.parse(readFileSync(path, "utf8")) as { payload: string };
  const { predicate } = JSON.parse(Buffer.from(payload, "base64").toString("utf8")) as Statement;
  return predicate.adoption.rows.flatMap(({ copy }) => (copy === undefined ? [] : [copy.destination]));
}

function complaintsOf(summary: FanOutSummary): readonly string[] {
  const { outcome, destinations, programs, restarts, failedRequests, retiringKeyDead, certificate } = summary;
  return [
    ...(outcome === "rotated" ? [] : [`the run ended as ${outcome}`]),
    ...(failedRequests === 0 ? [] : [`${failedRequests} requests failed`]),
    ...(retiringKeyDead ? [] : ["the retiring key was not proven dead"]),
    ...(certificate.verified ? [] : ["the certificate does not verify"]),
    ...destinations.flatMap(({ name, adopted, certified }) => [
      ...(adopted ? [] : [`${name} does not use the incoming key`]),
      ...(certified ? [] : [`the certificate says nothing of ${name}`]),
    ]),
    ...(isInTurns(restarts) ? [] : [`of ${restarts.hosts} hosts ${restartsText(restarts)}`]),
    ...inTroubleComplaints("the rotation with places in trouble", summary.troubled, "rotated"),
    ...inTroubleComplaints("the leak", summary.leak, "contained"),
    ...programs.filter(({ adopted }) => !adopted).map(({ name }) => `${name} does not hold the incoming key`),
    ...summary.trouble,
  ];
}

function inTroubleComplaints(what: string, ended: TroubleSummary, outcome: string): readonly string[] {
  return [
    ...ended.places
      .filter(({ said }) => said === undefined)
      .map(({ name }) => `${what}: nothing was said of ${name}`),
    ...(ended.revokedInTrouble ? [`${what}: the key was revoked while places were in trouble`] : []),
    ...(ended.outcome === outcome ? [] : [`${what} ended as ${ended.outcome}`]),
    ...(ended.retiringKeyDead ? [] : [`${what}: the key that was replaced still works`]),
  ];
}

function isInTurns({ hosts, restarted, mostAtOnce }: Restarts): boolean {
  return restarted === hosts && mostAtOnce === 1;
}

function restartsText({ restarted, mostAtOnce }: Restarts): string {
  return `${restarted} restarted, at most ${mostAtOnce} at the same time`;
}

function showPlaces(
  shown: Screen,
  { destinations, programs }: Pick<FanOutSummary, "destinations" | "programs">,
) {
  for (const { name, kind, activation, proof, mark, adopted } of destinations) {
    const text = `${name} (${kind}, ${activation}): in use, by ${proof}${mark === undefined ? "" : `: ${mark}`}`;
    shown.verdict({ isGood: adopted, text });
  }
  for (const { name, kind, adopted } of programs)
    shown.verdict({ isGood: adopted, text: `${name} (rekey ${kind}) holds the incoming key` });
}

function conclude(end: {
  readonly shown: Screen;
  readonly summary: FanOutSummary;
  readonly complaints: readonly string[];
}): void {
  const { shown, summary, complaints } = end;
  const { restarts, requests, failedRequests, retiringKeyDead, certificate } = summary;
  shown.verdict({
    isGood: isInTurns(restarts),
    text: `${restarts.hosts} hosts under \`rekey exec\`: ${restartsText(restarts)}`,
  });
  shown.verdict({
    isGood: failedRequests === 0,
    text: `${requests} requests served, ${failedRequests} failed`,
  });
  shown.verdict({ isGood: retiringKeyDead, text: "the retiring key is dead" });
  showCertificate(shown, certificate);
  if (complaints.length > 0)
    shown.error(complaints, "the steps above say what was decided and why; `--stay` keeps the cloud running");
  shown.summary(summary);
}
