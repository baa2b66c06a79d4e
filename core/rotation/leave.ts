import type { KeyId } from "../ports.ts";
import type { Refusal } from "./refusal.ts";
import type { SecretRecord } from "./secret-record.ts";
import { retainedKeys, supersededKeys } from "./superseded.ts";

/** Why Rekey cannot leave the secret now: it would leave something behind that only it can end. */
export function whyNotLeave(
  record: SecretRecord,
  { leaveKeys }: { readonly leaveKeys: boolean },
): (Refusal<"Busy" | "KeysAlive"> & { readonly hint: string }) | undefined {
  const { lease } = record;
  if (lease !== undefined)
    return {
      ...{ reason: "Busy", detail: `${lease.runId} holds the secret` },
      hint: `let it end with \`rekey watch ${lease.runId}\`, or end it with \`rekey abort ${lease.runId}\``,
    };
  const alive = whatStaysAlive(record);
  if (alive.length === 0 || leaveKeys) return undefined;
  return {
    ...{ reason: "KeysAlive", detail: `still to be revoked: ${alive.join(", ")}` },
    hint: "let `rekey rotate` end them, or add --leave-keys and end them at the provider yourself",
  };
}

/** Keys beside the current one that would stay alive at the provider. */
export function whatStaysAlive(record: SecretRecord): readonly KeyId[] {
  const { run } = record;
  const owed = run === undefined || run.phase === "dead" ? [] : [run.retiring.keyId];
  const unproven = run?.phase === "promoting" ? [run.incoming.keyId] : [];
  const others = [...supersededKeys(record), ...retainedKeys(record)].map(({ keyId }) => keyId);
  return [...new Set([...owed, ...unproven, ...others])].filter((keyId) => keyId !== undefined);
}
