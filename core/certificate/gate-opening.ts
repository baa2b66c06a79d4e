import {
  type ConsumerEvidence,
  type CopyEvidence,
  type Forgotten,
  type InstanceEvidence,
  isConsumers,
  isForgotten,
  isInstance,
  type ProviderEvidence,
} from "../adoption/evidence.ts";
import { providerEvidenceIn, quietNeededMs } from "../adoption/quiet.ts";
import { type AdoptionView, declaredConsumers, isDeclared, isLive, isOf, useOf } from "../adoption/view.ts";
import type { ConsumerPolicy, EvidenceKind, UseSignal } from "../policy.ts";
import type { PlacedKey } from "../rotation/secret-record.ts";
import { type Claim, claimOf, weakestOf } from "./claims.ts";

/** Everything that the gate saw when it let the retiring key be revoked, kept for the certificate. */
export interface GateOpening {
  /** Of the secret's item. The revoke is recorded only at this `seq`, so the opening with the highest one counts. */
  readonly seq: number;
  readonly openedAtMs: number;
  readonly promotedAtMs: number;
  readonly retiring: PlacedKey;
  readonly incoming: PlacedKey;
  readonly consumers: readonly ConsumerStanding[];
  readonly rows: readonly EvidenceRow[];
  /** Rows beyond `rowsMax`; they opened the gate too, and `consumers` counts them. */
  readonly rowsOmitted: number;
  readonly provider?: Pick<ProviderEvidence, "lagMs" | "retiring" | "incoming" | "observedAtMs">;
  readonly quiet: {
    readonly fromMs: number;
    readonly untilMs: number;
    readonly neededMs: number;
    readonly signals: readonly UseSignal[];
  };
  /** Every reason to wait that was asked about; none stood. */
  readonly asked: readonly string[];
}

export interface ConsumerStanding {
  readonly name: string;
  readonly environment: string;
  readonly account: string;
  readonly needs: readonly EvidenceKind[];
  /** The weakest claim that its adoption rests on. */
  readonly worth: Claim | "nothing";
  readonly rows: number;
}

/** What one source said about one consumer or instance. */
export interface EvidenceRow {
  readonly source: EvidenceKind;
  readonly claim: Claim;
  readonly consumer: string;
  readonly environment: string;
  readonly account: string;
  readonly declared: boolean;
  readonly instance?: string;
  /** The role that read the version, or the person who attested or said that the instance is gone. */
  readonly principal?: string;
  readonly holds: { readonly versionId: string; readonly fingerprint?: string };
  readonly state?: string;
  readonly copy?: ProvenCopy;
  readonly lastSuccessWithIncomingMs?: number;
  readonly lastUseOfRetiringMs?: number;
  readonly receivedAtMs: number;
}

/** Where a copy of the incoming key is, and how the place shows that it holds it. */
export interface ProvenCopy {
  readonly destination: string;
  readonly kind: string;
  readonly name: string;
  readonly activation: string;
  readonly proof: string;
  readonly mark?: string;
}

/** A rotation's item in the table must stay far below the 400 KB that it may have. */
const rowsMax = 200;

export function gateOpening(
  view: AdoptionView & { readonly seq: number; readonly asked: readonly string[] },
): GateOpening {
  const { seq, asked, retiring, incoming, promotedAtMs, nowMs, policy } = view;
  const counted = view.evidence.filter(isConsumers).filter((item) => opensFor(item, view));
  const provider = policy.signals.includes("provider") ? providerEvidenceIn(view.evidence) : undefined;
  return {
    ...{ seq, openedAtMs: nowMs, promotedAtMs, asked },
    ...{ retiring: placeOf(retiring), incoming: placeOf(incoming) },
    consumers: declaredConsumers(view).map((consumer) => standingOf(consumer, counted)),
    rows: counted.slice(0, rowsMax).map((item) => rowOf(item, view)),
    rowsOmitted: Math.max(0, counted.length - rowsMax),
    ...(provider && { provider: figuresOf(provider) }),
    quiet: {
      ...{ fromMs: promotedAtMs, untilMs: nowMs },
      ...{ neededMs: quietNeededMs(view), signals: policy.signals },
    },
  };
}

/** Evidence that speaks for the incoming key, or for an instance being gone. The gate is open, so whatever spoke against it is over. */
function opensFor(item: ConsumerEvidence, view: AdoptionView): boolean {
  if (isInstance(item) && isForgotten(item)) return true;
  if (isInstance(item)) return item.holds.fingerprint === view.incoming.fingerprint && isLive(item, view);
  if (item.kind === "copy" && item.state !== "active") return false;
  return item.versionId === view.incoming.versionId;
}

function standingOf(consumer: ConsumerPolicy, counted: readonly ConsumerEvidence[]): ConsumerStanding {
  const { name, environment, account, evidence: needs } = consumer;
  const hasCopies = consumer.copies !== undefined;
  const isNeeded = ({ kind }: ConsumerEvidence) => needs.includes(kind) || (kind === "copy" && hasCopies);
  const own = counted.filter((item) => isOf(item, consumer) && isNeeded(item));
  const worth = weakestOf(own.map(claimIn)) ?? "nothing";
  return { name, environment, account, needs, worth, rows: own.length };
}

function claimIn(item: ConsumerEvidence): Claim {
  return isInstance(item) && isForgotten(item) ? "attested" : claimOf(item.kind);
}

function rowOf(item: ConsumerEvidence, view: AdoptionView): EvidenceRow {
  const { kind: source, consumer, environment, account } = item;
  const declared = isDeclared(item, view);
  const row = { source, claim: claimIn(item), consumer, environment, account, declared };
  const seen = { ...row, receivedAtMs: item.observedAtMs };
  if (isInstance(item)) return { ...seen, ...instanceRow(item, view) };
  const holds = { versionId: item.versionId };
  switch (item.kind) {
    case "kms":
    case "attestation":
      return { ...seen, holds, principal: item.principal };
    case "ecs":
    case "lambda":
    case "kubernetes":
      return { ...seen, holds, state: `${item.state}, ${item.instances} running` };
    case "copy":
      return { ...seen, holds, state: item.detail, copy: copyRow(item) };
  }
}

function copyRow(item: CopyEvidence): ProvenCopy {
  const { destination, destinationKind: kind, name, activation, proof, mark } = item;
  return { destination, kind, name, activation, proof, ...(mark !== undefined && { mark }) };
}

/** Ages are the instance's own, so its clock's skew does not show. */
function instanceRow(item: InstanceEvidence, { incoming, retiring }: AdoptionView) {
  const { instance, holds, observedAtMs, forgotten } = item;
  const success = useOf(item, incoming.fingerprint)?.lastSuccessAgoMs ?? null;
  const use = useOf(item, retiring.fingerprint)?.lastSuccessAgoMs ?? null;
  return {
    ...{ instance, holds },
    ...(forgotten && isForgotten(item) && goneBy(forgotten)),
    ...(success !== null && { lastSuccessWithIncomingMs: observedAtMs - success }),
    ...(use !== null && { lastUseOfRetiringMs: observedAtMs - use }),
  };
}

function goneBy({ by, reason }: Forgotten) {
  return { principal: by, state: `forgotten: ${reason}` };
}

function figuresOf({ lagMs, retiring, incoming, observedAtMs }: ProviderEvidence) {
  return {
    observedAtMs,
    ...(lagMs !== undefined && { lagMs }),
    ...(retiring && { retiring }),
    ...(incoming && { incoming }),
  };
}

function placeOf({ keyId, versionId, fingerprint }: PlacedKey): PlacedKey {
  return { keyId, versionId, fingerprint };
}
