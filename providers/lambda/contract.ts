import * as z from "zod";

/** The version of the contract, in every request and reply; docs/providers/lambda.md describes it. */
export const contract = "rekey-provider/1";

const ms = z.number().int().min(0).max(1e14);
const keyId = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/);
const box = z.string().regex(/^[A-Za-z0-9_-]{84,16384}$/);

/** Why a function did not do what it was asked. */
export const errorCodes = ["throttled", "unavailable", "quota", "denied", "settings", "person"] as const;

const Failed = z.object({
  contract: z.literal(contract),
  error: z.enum(errorCodes),
  retryAfterMs: ms.optional(),
});
export type Failed = z.output<typeof Failed>;

const ListedKey = z.object({
  keyId,
  name: z.string().max(256),
  status: z.enum(["active", "disabled"]),
  hint: z.string().max(256).optional(),
  owner: z.string().max(256).optional(),
  createdAtMs: ms.optional(),
  lastUsedAtMs: ms.optional(),
  expiresAtMs: ms.optional(),
});

const reply = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.union([Failed, z.object({ contract: z.literal(contract), error: z.never().optional(), ...shape })]);

export const replies = {
  mint: reply({ keyId, sealed: box, expiresAtMs: ms.optional() }),
  list: reply({ keys: z.array(ListedKey).max(1_000), next: z.string().max(1_024).optional(), nowMs: ms }),
  verify: reply({
    answer: z.enum(["valid", "refused", "notPermitted", "inconclusive"]),
    keyId: keyId.optional(),
  }),
  disable: reply({ outcome: z.enum(["disabled", "notThere"]) }),
  enable: reply({ outcome: z.enum(["enabled", "notThere"]) }),
  revoke: reply({ outcome: z.enum(["revoked", "alreadyGone"]) }),
  lastUse: reply({
    outcome: z.enum(["seen", "notThere"]),
    nowMs: ms,
    lastUsedAtMs: ms.optional(),
    requests: ms.optional(),
  }),
} as const;

export type Operation = keyof typeof replies;
export type Reply<Name extends Operation> = Exclude<z.output<(typeof replies)[Name]>, Failed>;

export function isFailed(answer: object): answer is Failed {
  return "error" in answer;
}
