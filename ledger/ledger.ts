import { LedgerContended } from "../core/errors.ts";
import type { Policy } from "../core/policy.ts";
import type { Fingerprint, RotationId, SecretArn, Table, TableKey, TableRecord } from "../core/ports.ts";
import { emptyRecord, type SecretRecord } from "../core/rotation/secret-record.ts";
import type { Brake, Debt, FingerprintEntry, FormerSecret, KeyHistory, RotationRecord } from "./entries.ts";
import { evidenceIn } from "./evidence.ts";
import { incidentsIn } from "./incidents.ts";

const changeTriesMax = 16;
const pageMax = 500;

export type Ledger = ReturnType<typeof ledgerOn>;

/** The ledger's kinds of records over one table: who is written where is said here and nowhere else. */
export function ledgerOn(table: Table) {
  const at = documents(table);
  return {
    /** The one item of a secret; an unknown secret is an empty one. */
    async secret(secretArn: SecretArn): Promise<SecretRecord> {
      return (await at.read<SecretRecord>(secretKey(secretArn))) ?? emptyRecord(secretArn);
    },

    /**
     * Applies a pure transition and writes its result if nobody else wrote in between; else reads again and
     * applies it to what is there now. A transition that returns its argument writes nothing.
     */
    async changeSecret(
      secretArn: SecretArn,
      change: (record: SecretRecord) => SecretRecord,
    ): Promise<SecretRecord> {
      return at.change<SecretRecord>(secretKey(secretArn), (stored) =>
        change(stored ?? emptyRecord(secretArn)),
      );
    },

    policy: (secretArn: SecretArn) => at.read<Policy>(policyKey(secretArn)),
    putPolicy: (policy: Policy) => at.write(policyKey(policy.secretArn), policy),
    removePolicy: (secretArn: SecretArn) => table.remove(policyKey(secretArn)),
    policies: () => at.all<Policy>({ kind: "POLICY", id: "all" }),

    /** What left the policy; one that came back stands here too. */
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

    /** Every place that holds a key of this fingerprint (or alias). */
    holders: (fingerprint: Fingerprint) => at.all<FingerprintEntry>({ kind: "FINGERPRINT", id: fingerprint }),
    putHolder: (entry: FingerprintEntry) =>
      at.write(
        { kind: "FINGERPRINT", id: entry.fingerprint, sort: `${entry.secretArn}/${entry.versionId}` },
        entry,
      ),

    ...evidenceIn(at),

    debts: () => at.all<Debt>({ kind: "DEBT", id: "all" }),
    putDebt: (debt: Debt) => at.write(debtKey(debt), debt),
    removeDebt: (debt: Pick<Debt, "secretArn" | "kind" | "keyId">) => table.remove(debtKey(debt)),

    brakes: () => at.all<Brake>({ kind: "BRAKE", id: "all" }),
    putBrake: (brake: Brake) => at.write({ kind: "BRAKE", id: "all", sort: brake.scope }, brake),
    removeBrake: (scope: string) => table.remove({ kind: "BRAKE", id: "all", sort: scope }),

    putKey: (key: KeyHistory) => at.write({ kind: "KEY", id: key.secretArn, sort: key.name }, key),
    keys: (secretArn: SecretArn) => at.all<KeyHistory>({ kind: "KEY", id: secretArn }),

    incidents: incidentsIn(at),

    /** Any other document, for the records that only one module knows. */
    documents: at,
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

export type Documents = ReturnType<typeof documents>;

function documents(table: Table) {
  async function change<Body>(
    key: TableKey,
    edit: (stored: Body | undefined) => Body,
    options: Pick<TableRecord, "forgetAtMs"> = {},
  ): Promise<Body> {
    for (let tries = 0; tries < changeTriesMax; tries++) {
      const stored = await table.get(key);
      const before = stored?.body as Body | undefined;
      const body = edit(before);
      if (body === before) return body;
      const forgetAtMs = options.forgetAtMs ?? stored?.forgetAtMs;
      const record = { ...key, revision: (stored?.revision ?? 0) + 1, body };
      if (await table.put(forgetAtMs === undefined ? record : { ...record, forgetAtMs })) return body;
    }
    throw new LedgerContended(
      `${key.kind} of ${key.id} changed ${changeTriesMax} times while it was written`,
    );
  }

  return {
    change,
    async read<Body>(key: TableKey): Promise<Body | undefined> {
      return (await table.get(key))?.body as Body | undefined;
    },
    async write<Body>(key: TableKey, body: Body): Promise<void> {
      await change<Body>(key, () => body);
    },
    remove: (key: TableKey) => table.remove(key),
    async all<Body>(partition: { kind: string; id: string }): Promise<readonly Body[]> {
      const found: Body[] = [];
      let page: readonly TableRecord[];
      let after: string | undefined;
      do {
        page = await table.query({ ...partition, limit: pageMax, ...(after !== undefined && { after }) });
        found.push(...page.map((record) => record.body as Body));
        after = page.at(-1)?.sort;
      } while (page.length === pageMax);
      return found;
    },
  };
}
