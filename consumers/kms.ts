import * as z from "zod";
import type { ReadEvidence } from "../core/adoption/evidence.ts";
import type { Policy } from "../core/policy.ts";
import type { SecretArn } from "../core/ports.ts";

const accountId = z.string().regex(/^\d{12}$/);
const principalArn = z.string().regex(/^arn:aws[a-z-]*:(?:iam|sts)::\d{12}:[\w+=,.@/:-]{1,600}$/);

/** A KMS Decrypt record as CloudTrail writes it: each read of a secret's value makes one, with the version it read. */
export const DecryptRecord = z.object({
  eventSource: z.literal("kms.amazonaws.com"),
  eventName: z.literal("Decrypt"),
  /** Set if the read was refused: then nothing was read. */
  errorCode: z.string().optional(),
  userIdentity: z.object({
    arn: principalArn.optional(),
    sessionContext: z.object({ sessionIssuer: z.object({ arn: principalArn }).optional() }).optional(),
  }),
  requestParameters: z.object({
    encryptionContext: z.object({
      SecretARN: z.string().max(2048),
      SecretVersionId: z.string().min(1).max(64),
    }),
  }),
});
export type DecryptRecord = z.output<typeof DecryptRecord>;

/** What AWS itself filled in around the record, and the environment of the rule that forwarded it. */
export interface Envelope {
  readonly account: string;
  readonly atMs: number;
  readonly environment: string;
  /** The beginnings of Rekey's own role ARNs: its reads are not a consumer's. */
  readonly own: readonly string[];
}

export function secretOf({ requestParameters }: DecryptRecord): SecretArn {
  return requestParameters.encryptionContext.SecretARN;
}

/**
 * Evidence of who read which version. A read belongs to its role, not to the session. Which consumer has that
 * role is decided at the gate, so the name here is only shown to people. Undefined for Rekey's own reads, for
 * AWS's services, and for records from an account that neither owns the secret nor read it.
 */
export function readFrom(
  record: DecryptRecord,
  { envelope, policy }: { readonly envelope: Envelope; readonly policy: Pick<Policy, "consumers"> },
): ReadEvidence | undefined {
  const { userIdentity, requestParameters, errorCode } = record;
  const principal = userIdentity.sessionContext?.sessionIssuer?.arn ?? userIdentity.arn;
  if (principal === undefined || errorCode !== undefined) return undefined;
  if (envelope.own.some((prefix) => principal.startsWith(prefix))) return undefined;

  const account = accountId.parse(principal.split(":")[4]);
  const { SecretARN, SecretVersionId } = requestParameters.encryptionContext;
  if (envelope.account !== account && envelope.account !== SecretARN.split(":")[4]) return undefined;
  const { environment, atMs } = envelope;
  return {
    kind: "kms",
    consumer: nameOf(principal, policy),
    principal,
    environment,
    account,
    versionId: SecretVersionId,
    observedAtMs: atMs,
  };
}

/** The name of the declared consumer that has this role, or else the role's own name. */
function nameOf(principal: string, { consumers }: Pick<Policy, "consumers">): string {
  const declared = consumers === "none" ? [] : consumers;
  const known = declared.find(({ roles = [] }) => roles.includes(principal));
  return known?.name ?? principal.slice(principal.lastIndexOf(":") + 1).slice(0, 128);
}
