import * as z from "zod";
import { auditKey, deploymentChain } from "../../audit/chain.ts";
import { type AuditEntry, hashOf } from "../../audit/entry.ts";
import { grouped } from "../../core/grouped.ts";
import { addToTimeline } from "../../core/incident/transitions.ts";
import type { SecretArn } from "../../core/ports.ts";
import { raiseAlerts } from "../alerts/raise.ts";
import type { AdminDeps } from "../deps.ts";
import { changeIncident } from "../incident/record/change.ts";
import { withoutKeys } from "../key-index/without-keys.ts";
import { type KitEntry, kitEntryAt } from "../sealed-kit/entries.ts";
import { isSigned, type SignedEntry, signedEntry } from "../sealed-kit/offline-log.ts";
import { adminCommand, type Caller, type RefusedAnswer, refused } from "./command.ts";

/** What the steps of an offline run write to the audit log. */
const offlineActions = new Set(["OfflineContainmentOrdered", "CompromisedKeyRevoked", "DeathRecorded"]);
const entriesMax = 500;

/**
 * What was done with a sealed kit while no deployment answered becomes part of the records: its entries go to the end
 * of their audit logs, and each key gets an ordinary incident. That incident takes nothing from the log for granted: it
 * asks the provider, replaces the key, and is certified like every other one.
 */
export const reconcileKit = adminCommand({
  input: z.strictObject({
    command: z.literal("kit-reconcile"),
    kitId: z.string().regex(/^[\w-]{1,80}$/),
    entries: z.array(signedEntry).min(1).max(entriesMax),
  }),
  // A hash covers the entries as they were written: a key in one of them is taken out where it is stored.
  findsKeys: true,
  run: async ({ input: { kitId, entries }, caller }, deps) => {
    const kit = await deps.ledger.documents.read<KitEntry>(kitEntryAt(kitId));
    if (kit === undefined)
      return refused({
        reason: "UnknownKit",
        detail: `the ledger knows no kit ${kitId}: is it another deployment's?`,
      });
    const forged = entries.find((each) => !isSigned(each, kit.publicKey) || !isOffline(each));
    if (forged !== undefined) return notOurs(forged);
    const chains = [...grouped(entries, ({ secretArn }) => secretArn)];
    for (const [secretArn, own] of chains) {
      const gap = await whyNotOn(secretArn, own, deps);
      if (gap !== undefined) return refused({ reason: "LogBroken", detail: gap });
    }
    for (const [secretArn, own] of chains) await appendAll({ secretArn, own, kitId, caller }, deps);
    const incidentIds = await raiseAll({ entries, kit, caller }, deps);
    await deps.audit.append(deploymentChain, {
      id: `${caller.requestId}/kit-reconcile`,
      ...{ atMs: caller.atMs, actor: caller.principal, action: "KitReconciled" },
      detail: { kitId, entries: entries.length, incidents: incidentIds.join(" ") },
    });
    const names = await Promise.all(
      chains.map(async ([arn]) => (await deps.ledger.policy(arn))?.name ?? arn),
    );
    return { outcome: "reconciled", kitId, entries: entries.length, incidentIds, secrets: names };
  },
});

function isOffline({ action }: SignedEntry): boolean {
  return offlineActions.has(action);
}

function notOurs({ seq, secretArn }: SignedEntry): RefusedAnswer {
  const detail = `entry ${seq} of ${secretArn} was not written with this kit, or was changed since`;
  return refused({ reason: "NotSigned", detail, hint: "give the log as `rekey contain` wrote it" });
}

/** The log goes on from an entry that the ledger has, and has no gap. */
async function whyNotOn(
  secretArn: SecretArn,
  own: readonly [SignedEntry, ...SignedEntry[]],
  { ledger, digest }: AdminDeps,
): Promise<string | undefined> {
  const [first] = own;
  const before = await ledger.documents.read<AuditEntry>(auditKey(secretArn, first.seq - 1));
  if (first.seq > 1 && before?.hash !== first.previousHash)
    return `the audit log of ${secretArn} has not the entry ${first.seq - 1} from which the kit's log goes on`;
  let previous = first.previousHash;
  for (const [at, { type: _type, signature: _signature, ...entry }] of own.entries()) {
    const fits = entry.previousHash === previous && entry.seq === first.seq + at;
    if (!fits || hashOf(entry, digest) !== entry.hash)
      return `entry ${entry.seq} of ${secretArn} does not follow`;
    previous = entry.hash;
  }
  return undefined;
}

interface Appending {
  readonly secretArn: SecretArn;
  readonly own: readonly [SignedEntry, ...SignedEntry[]];
  readonly kitId: string;
  readonly caller: Caller;
}

/**
 * The ledger's own log has gone on since the kit was made, so each entry gets a new place there. Its id stays, so that
 * a second time changes nothing; the last line says where the kit's log ended.
 */
async function appendAll({ secretArn, own, kitId, caller }: Appending, deps: AdminDeps): Promise<void> {
  for (const { id, atMs, actor, action, detail } of own) {
    const { value } = await withoutKeys(detail, deps);
    await deps.audit.append(secretArn, { id, atMs, actor, action, detail: value });
  }
  const last = own.at(-1) ?? own[0];
  await deps.audit.append(secretArn, {
    id: `kit/${kitId}/${last.hash}`,
    ...{ atMs: caller.atMs, actor: caller.principal, action: "KitReconciled" },
    detail: { kitId, entries: own.length, offlineSeq: last.seq, offlineHash: last.hash },
  });
}

interface Raising {
  readonly entries: readonly SignedEntry[];
  readonly kit: KitEntry;
  readonly caller: Caller;
}

/** One incident for each key that was ended, or was to be. */
async function raiseAll({ entries, kit, caller }: Raising, deps: AdminDeps): Promise<readonly string[]> {
  const orders = entries.filter(({ action }) => action === "OfflineContainmentOrdered");
  const raised: string[] = [];
  for (const order of new Map(orders.map((each) => [`${each.detail["keyIds"]}`, each])).values()) {
    const policy = await deps.ledger.policy(order.secretArn);
    if (policy === undefined) continue;
    for (const keyId of String(order.detail["keyIds"])
      .split(",")
      .filter((id) => id !== "")) {
      const { incidentIds } = await raiseAlerts(
        {
          alert: {
            ...({
              schema: 1,
              source: "person",
              exposure: "unknown",
              verified: "unknown",
              where: [],
            } as const),
            sourceId: `kit/${kit.kitId}/${order.hash}`.slice(0, 256),
            identity: { kind: "keyId", provider: policy.provider.kind, keyId },
          },
          ...{ kind: "start", receivedAtMs: caller.atMs, intake: "person", principal: caller.principal },
          ...{ plan: "contain-first", reason: `contained offline with kit ${kit.kitId} by ${order.actor}` },
        },
        deps,
      );
      for (const incidentId of incidentIds) await tell(incidentId, { keyId, entries }, deps);
      raised.push(...incidentIds);
    }
  }
  return [...new Set(raised)];
}

const words: Readonly<Record<string, string>> = {
  OfflineContainmentOrdered: "containment was ordered offline",
  CompromisedKeyRevoked: "the key was revoked offline",
  DeathRecorded: "the key was seen dead offline",
};

/** The times of what was done offline, in the incident that people read. */
async function tell(
  incidentId: string,
  { keyId, entries }: { readonly keyId: string; readonly entries: readonly SignedEntry[] },
  deps: AdminDeps,
): Promise<void> {
  const own = entries.filter(({ detail }) => [detail["keyId"], detail["keyIds"]].some((id) => id === keyId));
  await changeIncident(
    incidentId,
    (now) =>
      own.reduce((record, { action, atMs, actor }) => {
        const detail = `${words[action]}, with a sealed kit, by ${actor}`;
        const isKnown = record.timeline.some((each) => each.atMs === atMs && each.detail === detail);
        return isKnown ? record : addToTimeline(record, { atMs, what: "note", detail, keyId });
      }, now),
    deps,
  );
}
