import { incidentFacts } from "../../core/incident/facts.ts";
import type { IncidentRecord, KeyInScope, SecretInScope } from "../../core/incident/record.ts";
import { isOver } from "../../core/incident/status.ts";
import { shortName } from "../../core/principal.ts";
import type { IncidentShown, Tone } from "../shown.ts";
import type { Sources } from "../sources.ts";

const timelineMax = 300;
const listMax = 200;

/** Everything about one incident; undefined if there is none of this id. */
export async function showIncident(incidentId: string, sources: Sources): Promise<IncidentShown | undefined> {
  const { ledger } = sources;
  const record = await ledger.incidents.incident(incidentId);
  if (record === undefined) return undefined;
  const named = record.checklist.slice(0, listMax).flatMap((entry) => entry.incidentId ?? []);
  const read = await Promise.all(named.map((id) => ledger.incidents.incident(id)));
  const children = read.filter((child) => child !== undefined);
  const policies = await policiesOf([record, ...children], sources);
  const nowMs = sources.nowMs();
  const { rows, advice } = sources.answers({ record, children, policies, nowMs });
  const { status, test, plan, planWhy, detectedAtMs, deadlineAtMs, notes, timeline, reports, match } = record;
  return {
    ...{
      kind: "incident",
      nowMs,
      incidentId,
      status,
      test,
      plan,
      planWhy,
      detectedAtMs,
      deadlineAtMs,
      advice,
    },
    ...clocksOf(record),
    ...{ tone: toneOf(record), isOver: isOver(status), match: match.text, answers: rows },
    keys: record.keys.slice(0, listMax).map(keyShown),
    secrets: record.secrets.slice(0, listMax).map(secretShown),
    checklist: record.checklist.slice(0, listMax).map(({ title, incidentId: id }) => {
      const child = children.find((each) => each.incidentId === id);
      return {
        ...{
          title,
          status: child?.status ?? "not reported",
          isDone: child !== undefined && isOver(child.status),
        },
        ...(id !== undefined && { incidentId: id }),
      };
    }),
    timeline: timeline.slice(-timelineMax).map(({ atMs, what, detail, by }) => ({
      ...{ atMs, what, detail },
      ...(by !== undefined && { by: shortName(by) }),
    })),
    notes: notes.slice(-listMax).map(({ by, text, atMs }) => ({ by: shortName(by), text, atMs })),
    reports,
    hasCertificate: record.certificate !== undefined,
    ...(record.campaignId !== undefined && { campaignId: record.campaignId }),
  };
}

async function policiesOf(records: readonly IncidentRecord[], { ledger }: Sources) {
  const arns = new Set(records.flatMap(({ secrets }) => secrets.map(({ secretArn }) => secretArn)));
  const policies = await Promise.all(
    [...arns].slice(0, listMax).map((secretArn) => ledger.policy(secretArn)),
  );
  return policies.filter((policy) => policy !== undefined);
}

/** Both clocks: when every revoke was accepted, and when every key was seen dead. */
function clocksOf(record: IncidentRecord): Pick<IncidentShown, "acceptedAtMs" | "deadAtMs"> {
  const { detectedToRevokeMs, detectedToDeadMs } = incidentFacts(record);
  return {
    ...(detectedToRevokeMs !== undefined && { acceptedAtMs: record.detectedAtMs + detectedToRevokeMs }),
    ...(detectedToDeadMs !== undefined && { deadAtMs: record.detectedAtMs + detectedToDeadMs }),
  };
}

function toneOf({ status }: IncidentRecord): Tone {
  switch (status) {
    case "closed":
    case "contained":
      return "good";
    case "falseAlarm":
      return "quiet";
    case "reported":
    case "open":
      return "busy";
    case "needsPerson":
      return "bad";
  }
}

function keyShown(key: KeyInScope): IncidentShown["keys"][number] {
  const { keyId, fingerprint, provider, state, acceptedAtMs, deadAtMs, blocked, waiver } = key;
  const tone = state === "dead" ? "good" : state === "needsPerson" ? "bad" : "busy";
  return {
    keyId: keyId ?? fingerprint?.slice(0, 19) ?? "unknown key",
    provider: provider ?? "unknown provider",
    state: waiver === undefined ? state : `waived by ${shortName(waiver.by)}`,
    tone: waiver === undefined ? tone : "warn",
    ...(acceptedAtMs !== undefined && { acceptedAtMs }),
    ...(deadAtMs !== undefined && { deadAtMs }),
    ...(blocked !== undefined && { blocked: blocked.why }),
  };
}

const replacementTones: Readonly<Record<SecretInScope["replacement"], Tone>> = {
  notNeeded: "quiet",
  pending: "busy",
  promoted: "busy",
  recovering: "warn",
  adopted: "good",
  failed: "bad",
};

function secretShown(secret: SecretInScope): IncidentShown["secrets"][number] {
  const { secretArn, name, environment, replacement, failure, incomingKeyId } = secret;
  const { promotedAtMs, adoptedAtMs, behind, moved } = secret;
  return {
    ...{ secretArn, name, environment, replacement, behind, tone: replacementTones[replacement] },
    moved: moved.map(({ consumer }) => consumer),
    ...(failure !== undefined && { failure }),
    copiesBehind: (secret.copiesBehind ?? []).map(({ why }) => why),
    ...(incomingKeyId !== undefined && { incomingKeyId }),
    ...(promotedAtMs !== undefined && { promotedAtMs }),
    ...(adoptedAtMs !== undefined && { adoptedAtMs }),
  };
}
