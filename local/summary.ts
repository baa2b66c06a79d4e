import { auditLog } from "../audit/chain.ts";
import { nodeDigest } from "../functions/wiring/base.ts";
import { type CheckedCertificate, checkCertificate } from "./certificate.ts";
import type { Demonstration } from "./demonstration.ts";
import { historyOf } from "./history.ts";
import { denialText } from "./iam/guard.ts";

/** What `--json` prints as its last line, for a rotation and for an incident alike. */
export interface Summary {
  readonly type: "summary";
  readonly outcome: string;
  readonly rotationId: string;
  readonly secret: string;
  readonly retiring: { readonly keyId: string; readonly dead: boolean; readonly probes: number };
  readonly incoming: { readonly keyId: string | undefined; readonly versionId: string | undefined };
  readonly consumers: readonly {
    readonly name: string;
    readonly instances: number;
    readonly adopted: boolean;
  }[];
  readonly traffic: { readonly requests: number; readonly failed: number };
  readonly machine: { readonly transitions: number; readonly retries: number };
  readonly calls: { readonly secretsManager: number; readonly provider: number; readonly dynamodb: number };
  readonly audit: { readonly entries: number; readonly verified: boolean };
  /** What the stand-ins refused or could not do, in words. A run of the shipped template has none. */
  readonly trouble: readonly string[];
  /** The signed document that ends it, saved where it outlives the cloud, and verified without the cloud. */
  readonly certificate: CheckedCertificate;
  readonly ms: number;
}

export interface Ended {
  readonly company: Demonstration;
  readonly outcome: string;
  readonly runId: string;
  readonly executionArn: string;
  readonly probes: number;
  /** Whether Rekey itself saw the key dead; the provider is asked besides. */
  readonly isSeenDead: boolean;
  readonly incoming: { readonly keyId: string | undefined; readonly versionId: string | undefined };
  readonly ms: number;
}

/** Everything that Rekey reports is compared with what the provider and the consumers saw. */
export async function summarize(ended: Ended): Promise<Summary> {
  const { company, incoming, isSeenDead, probes } = ended;
  const passages = await historyOf(company.cloud, ended.executionArn);
  const audit = await auditLog({ table: company.table, digest: nodeDigest, now: Date.now }).verify(
    company.secretArn,
  );
  const retiring = company.provider.state().find(({ keyId }) => keyId === company.retiringKeyId);
  return {
    type: "summary",
    outcome: ended.outcome,
    rotationId: ended.runId,
    secret: company.secretArn,
    retiring: { keyId: company.retiringKeyId, dead: isSeenDead && retiring?.isAccepted === false, probes },
    incoming,
    consumers: await adoptionOf(company, incoming.keyId),
    traffic: company.fleet.tally(),
    machine: {
      transitions: passages.length,
      retries: passages.reduce((sum, { attempts }) => sum + Math.max(0, attempts - 1), 0),
    },
    calls: callsOf(company),
    audit: { entries: audit.entries, verified: audit.verified },
    trouble: [...troubleIn(company.cloud), ...company.fleet.ended()],
    certificate: await checkCertificate(company.cloud, ended.runId),
    ms: ended.ms,
  };
}

/** Each expectation that was not met, in words; an empty list is a passed run. */
export function complaintsOf(
  summary: Summary,
  wanted: { readonly outcome: string; readonly mayFail: boolean },
) {
  const complaints: string[] = [];
  if (summary.outcome !== wanted.outcome)
    complaints.push(`the run ended as ${summary.outcome}, not ${wanted.outcome}`);
  if (!wanted.mayFail && summary.traffic.failed > 0)
    complaints.push(`${summary.traffic.failed} requests failed`);
  if (summary.traffic.requests === 0) complaints.push("there was no traffic to protect");
  if (!summary.retiring.dead) complaints.push("the retiring key was not proven dead");
  if (!summary.certificate.verified) complaints.push("the certificate does not verify");
  if (!summary.audit.verified) complaints.push("the audit chain does not verify");
  complaints.push(...summary.trouble);
  for (const { name, adopted } of summary.consumers) {
    if (!adopted) complaints.push(`${name} does not hold the incoming key`);
  }
  return complaints;
}

/** Refused calls, defects of a stand-in and dead letters: most often the reason why a run does not end. */
export function troubleIn({
  denials,
  defects,
  deadLetters,
  unmatched,
}: Demonstration["cloud"]): readonly string[] {
  const lost = deadLetters.map(letterText);
  return [...new Set([...denials.map(denialText), ...defects.map(String), ...unmatched, ...lost])];
}

/** A function that failed for good: its name, and what its error said. */
function letterText({
  queueArn,
  why,
}: Pick<Demonstration["cloud"]["deadLetters"][number], "queueArn" | "why">): string {
  const queue = queueArn.split(":").at(-1);
  const said = /^rekey-[a-z]+-([\w-]+): .*"errorMessage":"((?:[^"\\]|\\.)*)"/.exec(why);
  return said === null
    ? `a dead letter in ${queue}: ${why}`
    : `${said[1]} failed: ${said[2]} (its event is kept in ${queue})`;
}

async function adoptionOf(company: Demonstration, incomingKeyId: string | undefined) {
  const { keys } = await company.ledger.secret(company.secretArn);
  const incoming = keys.find(({ keyId }) => keyId === incomingKeyId)?.fingerprint;
  const evidence = await company.ledger.evidence(company.secretArn);
  return company.consumers.map((name) => {
    const instances = evidence.filter((item) => item.kind === "client" && item.consumer === name);
    const adopted = instances.every((item) => item.kind === "client" && item.holds.fingerprint === incoming);
    return { name, instances: instances.length, adopted: adopted && instances.length > 0 };
  });
}

/** Rekey's own calls; the consumers' are not counted. */
function callsOf(company: Demonstration) {
  const own = company.cloud.trail.filter(
    ({ eventSource, userIdentity }) =>
      eventSource === "secretsmanager.amazonaws.com" &&
      userIdentity.arn?.includes(":assumed-role/rekey-") === true,
  );
  const total = (counts: Readonly<Record<string, number>> = {}) =>
    Object.values(counts).reduce((sum, count) => sum + count, 0);
  const { byOperation } = company.provider.counters();
  return {
    secretsManager: own.length,
    provider: total(byOperation) - (byOperation["use"] ?? 0),
    dynamodb: total(company.cloud.requests()["dynamodb"]),
  };
}
