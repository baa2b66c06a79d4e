import { InputInvalid } from "../../../core/errors.ts";
import type { TableRecord } from "../../../core/ports.ts";
import { type MemoryTable, recordsFor } from "../../../ledger/memory.ts";
import { assertKey, assertRevision, assertSize, plainBody } from "../../../ledger/record-rules.ts";

/**
 * The ledger's table for the simulator: what it stores is frozen and shared instead of copied, because a run
 * reads far more often than it writes, and a write leaves most of an item as it was. `wrote` is called within
 * the write itself.
 */
export function watchedTable(wrote: (record: TableRecord) => void): MemoryTable {
  const partitions = new Map<string, Map<string, TableRecord>>();
  const frozen = new WeakSet<object>();

  /** What JSON makes of it, with those parts that were read from this table as they are. */
  function frozenCopy(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return jsonOf(value);
    if (frozen.has(value)) return value;
    if (!isPlain(value)) return frozenCopy(jsonOf(value));
    const copy = copyOf(value);
    frozen.add(copy);
    return Object.freeze(copy);
  }

  function copyOf(value: object): object {
    if (Array.isArray(value)) return value.map((inner) => frozenCopy(inner) ?? null);
    const copy: Record<string, unknown> = {};
    for (const [name, inner] of Object.entries(value)) {
      if (name === "__proto__") continue;
      const kept = frozenCopy(inner);
      if (kept !== undefined) copy[name] = kept;
    }
    return copy;
  }

  return {
    async get(key) {
      assertKey(key);
      return partitions.get(`${key.kind}#${key.id}`)?.get(key.sort);
    },

    async put(record) {
      assertKey(record);
      assertRevision(record);
      assertSize(record);
      const name = `${record.kind}#${record.id}`;
      const partition = partitions.get(name) ?? new Map<string, TableRecord>();
      if ((partition.get(record.sort)?.revision ?? 0) !== record.revision - 1) return false;
      const stored = frozenCopy(record) as TableRecord;
      if (stored.body === undefined) throw new InputInvalid("the body of a record has to be a JSON value");
      partition.set(record.sort, stored);
      partitions.set(name, partition);
      wrote(stored);
      return true;
    },

    async remove(key) {
      assertKey(key);
      partitions.get(`${key.kind}#${key.id}`)?.delete(key.sort);
    },

    async query(query) {
      return recordsFor(query, partitions.get(`${query.kind}#${query.id}`));
    },

    dump: () => [...partitions.values()].flatMap((partition) => [...partition.values()]),
  };
}

function isPlain(value: object): boolean {
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

function jsonOf(value: unknown): unknown {
  const isItself = typeof value === "string" || typeof value === "boolean" || Number.isSafeInteger(value);
  if (isItself || value === null) return value;
  return JSON.stringify(value) === undefined ? undefined : plainBody(value);
}
