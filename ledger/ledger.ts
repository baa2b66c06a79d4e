import { cutToBytes } from "../core/bytes.ts";
import type { Policy } from "../core/policy.ts";
import type { Fingerprint, RotationId, SecretArn, Table, TableKey } from "../core/ports.ts";
import { emptyRecord, type SecretRecord } from "../core/rotation/secret-record.ts";
import { accountsIn } from "./accounts.ts";
import { campaignsIn } from "./campaigns.ts";
import { copiesIn } from "./copies.ts";
import { documents } from "./documents.ts";
import type { Debt, FingerprintEntry, FormerSecret, KeyHistory, RotationRecord } from "./entries.ts";
import { evidenceIn } from "./evidence.ts";
import { federatedIn } from "./federated.ts";
import { incidentsIn } from "./incidents.ts";
import { issuedIn } from "./issued.ts";
import { observationsIn } from "./observations.ts";
import { ordersIn } from "./orders.ts";
import { schedulesSeenIn } from "./schedules-seen.ts";
import { triageIn } from "./triage.ts";

export type Ledger = ReturnType<typeof ledgerOn>;

/** A debt, a hold or a freeze may quote a provider, a store or a person. */
const reasonBytesMax = 2_000;

/** The ledger's kinds of records in one table. Only this file knows their keys. */
export function ledgerOn(table: Table) {
  const at = documents(table);
  return {
    /** The one item of a secret. A secret without an item gets an empty one. */
    async secret(secretArn: SecretArn): Promise<SecretRecord> {
      return (await at.read<SecretRecord>(secretKey(secretArn))) ?? emptyRecord(secretArn);
    },

    /**
     * Applies a pure transition and writes the result if nobody else wrote meanwhile; otherwise reads again
     * and repeats. If the transition returns its argument, nothing is written.
     */
    async changeSecret(
      secretArn: SecretArn,
      change: (record: SecretRecord) => SecretRecord,
    ): Promise<SecretRecord> {
      return at.change<SecretRecord>(secretKey(secretArn), (stored) => {
        const next = change(stored ?? emptyRecord(secretArn));
        return next === stored ? stored : withBoundedTexts(next);
      });
    },

    policy: (secretArn: SecretArn) => at.read<Policy>(policyKey(secretArn)),
    putPolicy: (policy: Policy) => at.write(policyKey(policy.secretArn), policy),
    removePolicy: (secretArn: SecretArn) => table.remove(policyKey(secretArn)),
    policies: () => at.all<Policy>({ kind: "POLICY", id: "all" }),

    /** Secrets that left the policy, including those that came back later. */
    formerSecrets: () => at.all<FormerSecret>({ kind: "FORMER", id: "all" }),
    putFormerSecret: (former: FormerSecret) =>
      at.write({ kind: "FORMER", id: "all", sort: former.secretArn }, former),

    rotation: (secretArn: SecretArn, rotationId: RotationId) =>
      at.read<RotationRecord>(rotationKey(secretArn, rotationId)),
    changeRotation: (
      key: { readonly secretArn: SecretArn; readonly rotationId: RotationId },
      change: (stored: RotationRecord | undefined) => RotationRecord,
    ) => at.change<RotationRecord>(rotationKey(key.secretArn, key.rotationId), change),
    rotations: (secretArn: SecretArn) => at.all<RotationRecord>({ kind: "ROTATION", id: secretArn }),

    /** Every place that holds a key of this fingerprint or alias. */
    holders: (fingerprint: Fingerprint) => at.all<FingerprintEntry>({ kind: "FINGERPRINT", id: fingerprint }),
    /** What was known of the place and is not said again is kept. */
    putHolder: (entry: FingerprintEntry) =>
      at.change<FingerprintEntry>(
        { kind: "FINGERPRINT", id: entry.fingerprint, sort: `${entry.secretArn}/${entry.versionId}` },
        (stored) => ({ ...stored, ...entry }),
      ),

    ...evidenceIn(at),
    ...{ ...schedulesSeenIn(at), ...observationsIn(at) },

    ...{ ...copiesIn(at), ...triageIn(at), ...accountsIn(at) },

    debts: () => at.all<Debt>({ kind: "DEBT", id: "all" }),
    putDebt: (debt: Debt) =>
      at.write(debtKey(debt), { ...debt, reason: cutToBytes(debt.reason, reasonBytesMax) }),
    removeDebt: (debt: Pick<Debt, "secretArn" | "kind" | "keyId">) => table.remove(debtKey(debt)),

    ...{ ...ordersIn(at), ...issuedIn(at), ...federatedIn(at) },

    putKey: (key: KeyHistory) => at.write({ kind: "KEY", id: key.secretArn, sort: key.name }, key),
    keys: (secretArn: SecretArn) => at.all<KeyHistory>({ kind: "KEY", id: secretArn }),

    ...{ incidents: incidentsIn(at), campaigns: campaignsIn(at) },

    /** Access to any other document, for records that only one module uses. */
    documents: at,
  };
}

/** Short texts in which people and the store's history are quoted. */
function withBoundedTexts(record: SecretRecord): SecretRecord {
  const { hold, frozen, refused } = record;
  const short = (text: string) => cutToBytes(text, reasonBytesMax);
  return {
    ...record,
    ...(hold && { hold: { ...hold, by: short(hold.by), reason: short(hold.reason) } }),
    ...(frozen && { frozen: { ...frozen, reason: short(frozen.reason) } }),
    ...(refused && { refused: { ...refused, reason: short(refused.reason) } }),
  };
}

const secretKey = (secretArn: SecretArn): TableKey => ({ kind: "SECRET", id: secretArn, sort: "state" });
const policyKey = (secretArn: SecretArn): TableKey => ({ kind: "POLICY", id: "all", sort: secretArn });
const rotationKey = (secretArn: SecretArn, rotationId: RotationId): TableKey => ({
  kind: "ROTATION",
  id: secretArn,
  sort: rotationId,
});
const debtKey = (debt: Pick<Debt, "secretArn" | "kind" | "keyId">): TableKey => ({
  kind: "DEBT",
  id: "all",
  sort: `${debt.secretArn}/${debt.kind}/${debt.keyId}`,
});
