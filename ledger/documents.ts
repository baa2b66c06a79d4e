import { LedgerContended } from "../core/errors.ts";
import type { Table, TableKey, TableRecord } from "../core/ports.ts";

const changeTriesMax = 16;

const pageMax = 500;

export function documents(table: Table) {
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
    /** `prefix`: only those whose sort begins so. */
    async all<Body>(partition: { kind: string; id: string; prefix?: string }): Promise<readonly Body[]> {
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

export type Documents = ReturnType<typeof documents>;
