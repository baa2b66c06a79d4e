import type { Proof } from "../audit/checkpoint.ts";
import type { AuditEntry } from "../audit/entry.ts";
import { ocsfBase, ocsfEvent } from "../audit/ocsf.ts";
import { isoText } from "../core/utc.ts";
import { csvLines } from "./csv.ts";

/** A chain with those of its entries that were asked for. */
export interface ShownChain {
  readonly name: string;
  readonly id: string;
  readonly entries: readonly AuditEntry[];
  /** Its head, whether it verifies, and the newest signed checkpoint. */
  readonly proof: Proof;
}

export const exportFormats = ["table", "jsonl", "csv", "ocsf"] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** One JSON object per line: the entries, then each chain's head with its checkpoint. */
export function jsonLines(chains: readonly ShownChain[]): readonly string[] {
  return [
    ...chains.flatMap(({ entries }) => entries.map((entry) => ({ type: "entry", ...entry }))),
    ...chains.map(headOf),
  ].map((each) => JSON.stringify(each));
}

function headOf({ name, id, proof }: ShownChain) {
  return { type: "head", name, secretArn: id, ...proof };
}

const columns = [
  "record",
  "chain",
  "seq",
  "at",
  "actor",
  "action",
  "detail",
  "previousHash",
  "hash",
] as const;

export function csvOf(chains: readonly ShownChain[]): readonly string[] {
  const rows = chains.flatMap(({ entries, id }) =>
    entries.map(({ seq, atMs, actor, action, detail, previousHash, hash }) => [
      ...["entry", id, String(seq), isoText(atMs), actor, action],
      ...[JSON.stringify(detail), previousHash, hash],
    ]),
  );
  const heads = chains.flatMap(({ id, proof }) => {
    const head = [
      "head",
      id,
      String(proof.entries),
      "",
      "",
      proof.verified ? "verified" : `broken: ${proof.why}`,
    ];
    const { checkpoint } = proof;
    const signed =
      checkpoint === undefined
        ? []
        : [
            [
              ...["checkpoint", id, String(checkpoint.seq), isoText(checkpoint.atMs), checkpoint.keyId],
              ...["signed", checkpoint.name, "", checkpoint.hash],
            ],
          ];
    return [[...head, "", "", proof.verified ? proof.headHash : ""], ...signed];
  });
  return csvLines([columns, ...rows, ...heads]);
}

/** OCSF 1.8: each entry is an Entity Management event (3004) about the secret whose log it is in. */
export function ocsfLines(chains: readonly ShownChain[]): readonly string[] {
  const events = chains.flatMap(({ entries, name, id }) =>
    entries.map((entry) => ocsfEvent(entry, { name, id })),
  );
  const heads = chains.map((chain) => ({
    ...ocsfBase({
      activity: 2,
      atMs: chain.proof.checkpoint?.atMs ?? lastAtMs(chain),
      uid: `${chain.id}/head`,
    }),
    ...{ status_id: chain.proof.verified ? 1 : 2, message: "the audit chain's head" },
    actor: { app_name: "rekey" },
    entity: { name: chain.name, uid: chain.id, type: "secret" },
    unmapped: headOf(chain),
  }));
  return [...events, ...heads].map((each) => JSON.stringify(each));
}

function lastAtMs({ entries }: ShownChain): number {
  return entries.at(-1)?.atMs ?? 0;
}
