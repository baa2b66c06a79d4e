import { auditKey, auditLog } from "../../audit/chain.ts";
import { SecretUnusable } from "../../core/errors.ts";
import type { Clock, Digest, SecretArn, SecretStore, StoredVersion, Table } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { type MemoryTable, memoryTable } from "../../ledger/memory.ts";
import type { Deps, With } from "../deps.ts";
import type { KitContents } from "./contents.ts";
import type { LogLines } from "./offline-log.ts";

export type OfflineDeps = With<"escalator">;

interface Offline {
  readonly kit: KitContents;
  readonly clock: Clock;
  readonly digest: Digest;
  /** The leaked key itself, where somebody has it: it proves by calls that the key is dead. */
  readonly leaked?: Secret | undefined;
  readonly log: LogLines;
  /** Providers as the deployment reaches them, with the kit's credentials. */
  provider(base: Pick<Deps, "store" | "ledger" | "clock">): Deps["provider"];
}

/**
 * What the steps of an incident work with where no deployment answers: the kit's copy of the ledger in memory, every
 * write of which is in the log before the step goes on, and no secret but the kit's own admin credentials.
 */
export async function offlineDeps(offline: Offline): Promise<OfflineDeps> {
  const { kit, clock, digest, log } = offline;
  const memory = memoryTable();
  await fill(memory, kit);
  for (const record of log.earlier) await memory.put(await nextOf(memory, record));
  const table = logged(memory, log);
  const ledger = ledgerOn(table);
  const store = kitStore(offline, memory);
  return {
    ...{ environment: kit.environment, ledger, store, clock },
    // An incident's id is made of this digest. The kit's id in it keeps it apart from every id of the deployment.
    digest: { sha256Hex: (text) => digest.sha256Hex(`${kit.kitId} ${text}`) },
    provider: offline.provider({ store, ledger, clock }),
    audit: auditLog({ table, digest, now: clock.nowMs }),
    bus: { publish: async () => undefined },
    executions: noMachines,
    // Whoever works with the kit is a person already, and no channel of the deployment answers.
    escalator: { page: async () => ({ delivered: [], failed: [] }) },
    log: () => undefined,
  };
}

async function fill(table: MemoryTable, kit: KitContents): Promise<void> {
  const ledger = ledgerOn(table);
  for (const policy of kit.policies) await ledger.putPolicy(policy);
  for (const record of kit.secrets) await ledger.changeSecret(record.secretArn, () => record);
  for (const key of kit.keys) await ledger.putKey(key);
  for (const holder of kit.holders) await ledger.putHolder(holder);
  for (const stop of kit.stops) await ledger.putStop(stop);
  for (const head of kit.heads) await table.put(headRecord(head));
}

function headRecord(head: KitContents["heads"][number]) {
  return { ...auditKey(head.secretArn, head.seq), revision: 1, body: head };
}

/** A record of an earlier run with the same log takes the place of what the kit says. */
async function nextOf(table: Table, record: LogLines["earlier"][number]) {
  const known = await table.get(record);
  return { ...record, revision: (known?.revision ?? 0) + 1 };
}

function logged(table: MemoryTable, log: LogLines): Table {
  return {
    ...table,
    async put(record) {
      const isWritten = await table.put(record);
      if (isWritten) log.append(record);
      return isWritten;
    },
  };
}

const noMachines: Deps["executions"] = {
  succeed: async () => "closed",
  fail: async () => "closed",
  describe: async () => ({ status: "UNKNOWN" }),
  start: async ({ name }) => ({ executionArn: `offline:${name}`, outcome: "started" }),
  stop: async () => undefined,
};

function kitStore({ kit, leaked }: Offline, table: MemoryTable): SecretStore {
  const away = (secretArn: SecretArn): never => {
    throw new SecretUnusable(`${secretArn} cannot be read without its Region`);
  };
  const refuse = async ({ secretArn }: { readonly secretArn: SecretArn }) => away(secretArn);
  return {
    capabilities: away,
    versionsInUse: async (secretArn) => away(secretArn),
    async current(secretArn) {
      const text = Object.hasOwn(kit.credentials, secretArn) ? kit.credentials[secretArn] : undefined;
      return text === undefined ? away(secretArn) : { versionId: "kit", text: new Secret(text) };
    },
    async read(secretArn, versionId): Promise<StoredVersion> {
      const { keys } = await ledgerOn(table).secret(secretArn);
      const isIt = (fingerprint: string | undefined) =>
        leaked !== undefined && fingerprint === fingerprintOf(leaked);
      const known = keys.find((key) => key.versionId === versionId && isIt(key.fingerprint));
      if (known === undefined || leaked === undefined) return away(secretArn);
      const field = (await ledgerOn(table).policy(secretArn))?.field;
      const text = field === undefined ? leaked : new Secret(JSON.stringify({ [field]: leaked.reveal() }));
      return { versionId, text };
    },
    ...{ write: refuse, markPending: refuse, clearPending: refuse, discard: refuse, promote: refuse },
    ...{ pin: refuse, unpin: refuse },
    nativeRotation: async (secretArn) => away(secretArn),
    replicasBehind: async (secretArn) => away(secretArn),
  };
}
