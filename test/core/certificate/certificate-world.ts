import { createHash } from "node:crypto";
import type { Chain, ChainEntry, Statement } from "../../../core/certificate/statement.ts";

export const digest = { sha256Hex: (text: string) => createHash("sha256").update(text).digest("hex") };
export const fingerprintOf = (text: string) => `sha256:${digest.sha256Hex(text)}`;
export const ada = "arn:aws:iam::111122223333:user/ada";

export function entry(fields: Partial<ChainEntry> = {}): ChainEntry {
  return { seq: 1, atMs: 1_000, actor: "r-1", action: "RotationOpened", detail: {}, hash: "h1", ...fields };
}

export function chain(entries: readonly ChainEntry[] = []): Chain {
  return { id: "billing", head: { seq: 9, hash: "h9" }, entries };
}

export const namesIn = ({ subject }: Statement) => subject.map(({ name }) => name);
