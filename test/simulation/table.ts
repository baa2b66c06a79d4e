import type { TableRecord } from "../../core/ports.ts";
import type { MemoryTable } from "../../ledger/memory.ts";
import { assertKey, assertQuery, assertRevision, compareUtf8 } from "../../ledger/record-rules.ts";

/**
 * The ledger's table for the simulator: what it stores is frozen and shared instead of copied, because a run
 * reads far more often than it writes. `wrote` is called within the write itself.
 */
export function watchedTable(wrote: (record: TableRecord) => void): MemoryTable {
  const partitions = new Map<string, Map<string, TableRecord>>();
  return {
    async get(key) {
      assertKey(key);
      return partitions.get(`${key.kind}#${key.id}`)?.get(key.sort);
    },

    async put(record) {
      assertKey(record);
      assertRevision(record);
      const name = `${record.kind}#${record.id}`;
      const partition = partitions.get(name) ?? new Map<string, TableRecord>();
      if ((partition.get(record.sort)?.revision ?? 0) !== record.revision - 1) return false;
      const stored = frozen(JSON.parse(JSON.stringify(record)) as TableRecord);
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
      assertQuery(query);
      const { prefix = "", after, limit, newestFirst = false } = query;
      const direction = newestFirst ? -1 : 1;
      return [...(partitions.get(`${query.kind}#${query.id}`)?.values() ?? [])]
        .filter(({ sort }) => sort.startsWith(prefix))
        .filter(({ sort }) => after === undefined || compareUtf8(sort, after) * direction > 0)
        .sort((a, b) => compareUtf8(a.sort, b.sort) * direction)
        .slice(0, limit);
    },

    dump: () => [...partitions.values()].flatMap((partition) => [...partition.values()]),
  };
}

function frozen<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}
