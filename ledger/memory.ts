import type { Table, TableKey, TableRecord } from "../core/ports.ts";
import {
  assertKey,
  assertQuery,
  assertRevision,
  assertSize,
  assertWithinMax,
  compareUtf8,
  plainBody,
} from "./record-rules.ts";

export type MemoryTable = Table & {
  /** Every record, ordered by kind, id and sort. */
  dump(): TableRecord[];
};

/** The ledger's table in memory: the same conditional writes, without I/O and timers. */
export function memoryTable(): MemoryTable {
  const partitions = new Map<string, Map<string, TableRecord>>();

  return {
    async get(key) {
      assertKey(key);
      const record = partitions.get(partitionOf(key))?.get(key.sort);
      return record && copyOf(record);
    },

    async put(record) {
      assertKey(record);
      assertRevision(record);
      assertSize(record);
      const partition = partitions.get(partitionOf(record)) ?? new Map<string, TableRecord>();
      if ((partition.get(record.sort)?.revision ?? 0) !== record.revision - 1) return false;
      partition.set(record.sort, copyOf(record));
      partitions.set(partitionOf(record), partition);
      return true;
    },

    async remove(key) {
      assertKey(key);
      partitions.get(partitionOf(key))?.delete(key.sort);
    },

    async query(query) {
      return recordsFor(query, partitions.get(partitionOf(query))).map(copyOf);
    },

    dump() {
      const records = [...partitions.values()].flatMap((partition) => [...partition.values()]);
      return records.map(copyOf).sort((a, b) => compareUtf8(nameOf(a), nameOf(b)));
    },
  };
}

/** The records of a partition that match a query, in its order and up to its limit. */
export function recordsFor(
  query: Parameters<Table["query"]>[0],
  partition: ReadonlyMap<string, TableRecord> | undefined,
): TableRecord[] {
  assertQuery(query);
  const { prefix = "", after, limit, newestFirst = false } = query;
  const direction = newestFirst ? -1 : 1;
  const found = [...(partition?.values() ?? [])]
    .filter(({ sort }) => sort.startsWith(prefix))
    .filter(({ sort }) => after === undefined || compareUtf8(sort, after) * direction > 0)
    .sort((a, b) => compareUtf8(a.sort, b.sort) * direction)
    .slice(0, limit);
  assertWithinMax(query, found.length);
  return found;
}

function partitionOf({ kind, id }: Pick<TableKey, "kind" | "id">): string {
  return `${kind}#${id}`;
}

function nameOf(key: TableKey): string {
  return `${partitionOf(key)}\0${key.sort}`;
}

/** If a caller later changes its object, the record must not change, and the other way round. */
function copyOf({ kind, id, sort, revision, body, forgetAtMs }: TableRecord): TableRecord {
  const copy = { kind, id, sort, revision, body: plainBody(body) };
  return forgetAtMs === undefined ? copy : { ...copy, forgetAtMs };
}
