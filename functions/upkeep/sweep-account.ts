import type { Policy } from "../../core/policy.ts";
import type { KeyId, ListedKey } from "../../core/ports.ts";
import type { SecretRecord } from "../../core/rotation/secret-record.ts";
import { type AccountView, forgetKey, neverCame, standingOf } from "../../core/rotation/sweep.ts";
import { keyIn } from "../../stores/value.ts";
import type { Deps } from "../deps.ts";
import { stopFor } from "../secret/stop-order.ts";

export interface AccountSweep {
  /** Every policy with keys in this provider account. */
  readonly policies: readonly Policy[];
  readonly nowMs: number;
  readonly dryRun: boolean;
}

export interface AccountFindings {
  /** Keys of runs that are over, counted before this sweep discarded those that are old enough. */
  readonly strays: number;
  readonly discarded: number;
  /** Keys without any record: reported, and never deleted. */
  readonly unrecorded: readonly ListedKey[];
  readonly listed: readonly ListedKey[];
}

/** Longer than any function can be frozen or any request can take. */
const strayAgeMs = 20 * 60_000;

/** Compares the provider's list with the ledger, and discards keys that no run will use. */
export async function sweepAccount(sweep: AccountSweep, deps: Deps): Promise<AccountFindings> {
  const [policy] = sweep.policies;
  if (policy === undefined) return { strays: 0, discarded: 0, unrecorded: [], listed: [] };
  const listed = await deps.provider(policy).list();
  const view = await viewOf(sweep, deps);
  const standing = listed.map((key) => ({ key, standing: standingOf(key, view) }));
  const strays = standing.flatMap((one) => (one.standing === "stray" ? [one.key] : []));
  const missing = view.records.flatMap((record) =>
    neverCame(record, new Set(listed.map(({ name }) => name))),
  );
  const names = [...strays, ...missing].map(({ name }) => name);
  const due = await dueIn({ ...sweep, policy, names }, deps);
  const old = strays.filter(({ name }) => due.has(name));
  const discarded =
    sweep.dryRun || old.length === 0 ? 0 : await discard({ ...sweep, strays: old, policy }, deps);
  if (!sweep.dryRun)
    await forget({ ...sweep, names: missing.map(({ name }) => name).filter((name) => due.has(name)) }, deps);
  return {
    strays: strays.length - discarded,
    discarded,
    unrecorded: standing.flatMap((one) => (isUnrecorded(one.standing) ? [one.key] : [])),
    listed,
  };
}

const isUnrecorded = (standing: string) => standing === "unknownRun" || standing === "notOurs";

async function viewOf({ policies }: AccountSweep, deps: Deps): Promise<AccountView> {
  const records: SecretRecord[] = [];
  const runs = new Set<string>();
  for (const { secretArn } of policies) {
    records.push(await deps.ledger.secret(secretArn));
    for (const { rotationId } of await deps.ledger.rotations(secretArn)) runs.add(rotationId);
  }
  for (const { keys, ended } of records) {
    for (const id of ended) runs.add(id);
    for (const { rotationId } of keys) if (rotationId !== undefined) runs.add(rotationId);
  }
  const incidents = await deps.ledger.incidents.openIncidents();
  const inIncidents = incidents.flatMap(({ keys }) => keys.flatMap(({ keyId }) => keyId ?? []));
  return { records, runs, inIncidents: new Set(inIncidents), mayBeCurrent: new Set() };
}

/** The age counts from the sweep that first saw the key, so that only the sweep's own clock matters. */
async function dueIn(
  {
    policy,
    names,
    nowMs,
    dryRun,
  }: AccountSweep & { readonly policy: Policy; readonly names: readonly string[] },
  deps: Deps,
): Promise<ReadonlySet<string>> {
  const at = { kind: "SWEEP", id: "seen", sort: `${policy.provider.kind}/${policy.provider.account}` };
  const stored = (await deps.ledger.documents.read<Record<string, number>>(at)) ?? {};
  const seen = Object.fromEntries(names.map((name) => [name, Math.min(nowMs, stored[name] ?? nowMs)]));
  if (!dryRun && JSON.stringify(seen) !== JSON.stringify(stored)) await deps.ledger.documents.write(at, seen);
  return new Set(names.filter((name) => nowMs - (seen[name] ?? nowMs) >= strayAgeMs));
}

async function discard(
  {
    policies,
    policy,
    strays,
  }: AccountSweep & { readonly policy: Policy; readonly strays: readonly ListedKey[] },
  deps: Deps,
): Promise<number> {
  if ((await stopFor(policy, deps)) !== undefined) return 0;
  const provider = deps.provider(policy);
  const mayBeCurrent = new Set<KeyId>();
  for (const { secretArn, field } of policies) {
    const { text } = await deps.store.current(secretArn);
    for (const { keyId } of await provider.candidates(keyIn(text, field))) mayBeCurrent.add(keyId);
  }
  let discarded = 0;
  for (const key of strays) {
    // Checked again just before the call: a run may have started since the listing.
    const view = await viewOf({ policies, nowMs: 0, dryRun: false }, deps);
    if (standingOf(key, { ...view, mayBeCurrent }) !== "stray") continue;
    await provider.revoke(key.keyId);
    await forget({ policies, names: [key.name] }, deps);
    discarded += 1;
  }
  return discarded;
}

async function forget(
  { policies, names }: { readonly policies: readonly Policy[]; readonly names: readonly string[] },
  deps: Deps,
): Promise<void> {
  for (const { secretArn } of names.length === 0 ? [] : policies) {
    await deps.ledger.changeSecret(secretArn, (record) => names.reduce(forgetKey, record));
  }
}
