import type { SessionKey, StsOptions } from "./aws/sts.ts";
import { secretOf } from "./people.ts";

/** By access key id, the session that it stands for. */
export type Callers = Record<string, { readonly account: string; readonly arn: string }>;

/** Every function signs with the same. */
const functionSecretKey = "FAKE";

export function sessionOf(account: string, role: string, session: string) {
  return { account, arn: `arn:aws:sts::${account}:assumed-role/${role}/${session}` };
}

interface Session {
  /** The name of the role, or its ARN. */
  readonly role: string;
  readonly name: string;
}

/** A session of a role, for a function of this name or for whoever assumes it. */
export function openSession(callers: Callers, account: string, { role, name }: Session): SessionKey {
  const roleName = role.split("/").at(-1) ?? "";
  const accessKeyId = `AKIAFAKE${name}`;
  const session = sessionOf(account, roleName, name);
  callers[accessKeyId] = session;
  return { accessKeyId, secretAccessKey: functionSecretKey, arn: session.arn };
}

/** What STS knows of who signs, and how it lets somebody assume a role. */
export function signersIn(
  callers: Callers,
  { account }: { readonly account: string },
): Pick<StsOptions, "secretOf" | "assume"> {
  return {
    secretOf: (id) => secretOf(id) ?? (Object.hasOwn(callers, id) ? functionSecretKey : undefined),
    assume: ({ roleArn, name }) => openSession(callers, account, { role: roleArn, name }),
  };
}
