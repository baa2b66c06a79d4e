import { createHmac } from "node:crypto";
import type { AuditLog } from "../../audit/chain.ts";
import { type Anchor, type AuditCheckpoints, auditCheckpoints, type Signer } from "../../audit/checkpoint.ts";

const signingKey = "FAKE-signing-key";

/** Signs with a key in memory. */
export const memorySigner: Signer = {
  sign: async (bytes) => ({ signature: signatureOf(bytes), keyId: "FAKE" }),
  verify: async ({ bytes, signature }) => signature === signatureOf(bytes),
};

function signatureOf(bytes: Uint8Array): string {
  return createHmac("sha256", signingKey).update(bytes).digest("base64");
}

/** Write once, in memory. */
export function memoryAnchor(): Anchor & { readonly stored: ReadonlyMap<string, string> } {
  const stored = new Map<string, string>();
  return {
    stored,
    write: async (name, text) => void (stored.has(name) || stored.set(name, text)),
    read: async (name) => stored.get(name),
    list: async (prefix) => [...stored.keys()].filter((name) => name.startsWith(prefix)).sort(),
  };
}

export function memoryCheckpoints(
  log: AuditLog,
  now: () => number,
  anchor = memoryAnchor(),
): AuditCheckpoints {
  return auditCheckpoints({ log, signer: memorySigner, anchor, now });
}
