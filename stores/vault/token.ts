import { readFile } from "node:fs/promises";
import * as z from "zod";
import type { AwsCredentials } from "../../aws/signed-identity.ts";
import { InputInvalid, StoreUnavailable } from "../../core/errors.ts";
import type { SecretArn } from "../../core/ports.ts";
import type { Secret } from "../../core/secret.ts";
import { type HeldToken, heldToken } from "../held-token.ts";
import type { Fetch } from "../http.ts";
import type { VaultLogin, VaultSettings } from "./settings.ts";
import { send, type VaultReply } from "./wire.ts";

/** What a login needs from outside. */
export interface LoginWorld {
  readonly settings: VaultSettings;
  readonly fetch: Fetch;
  nowMs(): number;
  /** The credential of the login, read anew: one that was replaced is found at the next login. */
  credential(secretArn: SecretArn): Promise<Secret>;
  awsCredentials(): Promise<AwsCredentials>;
}

const Auth = z.object({
  auth: z.object({
    client_token: z.string().min(1).max(8_192),
    lease_duration: z.number().nonnegative(),
    renewable: z.boolean().default(false),
  }),
});

interface Token {
  readonly text: string;
  readonly renewable: boolean;
  readonly fromMs: number;
  /** Absent: it does not end. */
  readonly untilMs?: number;
}

/** As Vault's own clients do: late enough to be rare, and early enough that a renewal may fail and be tried again. */
const renewedAfter = 0.7;

/** Renewed in the last third of its life, and otherwise got by a new login. */
export function tokens(world: LoginWorld): HeldToken {
  return heldToken({
    login: () => login(world),
    isDue: (token) => isDue(token, world.nowMs()),
    async renew(token) {
      const renewed = token.renewable ? await renew(token, world).catch(() => undefined) : undefined;
      return renewed ?? login(world);
    },
  });
}

function isDue({ fromMs, untilMs }: Token, nowMs: number): boolean {
  return untilMs !== undefined && nowMs >= fromMs + renewedAfter * (untilMs - fromMs);
}

async function login(world: LoginWorld): Promise<Token> {
  const { settings } = world;
  if (settings.login.method === "token") {
    const text = (await world.credential(settings.login.credential)).reveal();
    return { text, renewable: false, fromMs: world.nowMs() };
  }
  const fromMs = world.nowMs();
  const body = await loginBody(settings.login, world);
  const path = `auth/${settings.login.mount}/login`;
  const reply = await send({ method: "POST", path, body: JSON.stringify(body) }, world);
  if (reply.status !== 200)
    throw new StoreUnavailable(`Vault refused the login by ${settings.login.method} (${reply.status})`);
  return tokenIn(reply, fromMs);
}

async function loginBody(
  login: Exclude<VaultLogin, { method: "token" }>,
  { credential, awsCredentials }: LoginWorld,
): Promise<Readonly<Record<string, string>>> {
  switch (login.method) {
    case "approle":
      return { role_id: login.roleId, secret_id: (await credential(login.credential)).reveal() };
    case "jwt":
      return { role: login.role, jwt: (await credential(login.credential)).reveal() };
    case "kubernetes":
      return { role: login.role, jwt: (await readFile(login.tokenFile, "utf8")).trim() };
    case "aws":
      return (await import("./aws-login.ts")).awsLogin(login, await awsCredentials());
  }
}

/** Undefined where it cannot be renewed any more: near its maximum life Vault gives less than was asked for. */
async function renew(token: Token, world: LoginWorld): Promise<Token | undefined> {
  const fromMs = world.nowMs();
  const call = { method: "POST", path: "auth/token/renew-self", body: "{}", token: token.text } as const;
  const reply = await send(call, world);
  if (reply.status !== 200) return undefined;
  const renewed = tokenIn(reply, fromMs);
  const isShorter = (renewed.untilMs ?? 0) <= (token.untilMs ?? 0);
  return isShorter ? undefined : renewed;
}

function tokenIn({ text }: VaultReply, fromMs: number): Token {
  const parsed = Auth.safeParse(jsonIn(text));
  if (!parsed.success) throw new StoreUnavailable("Vault's answer to the login is not what it documents");
  const { client_token, lease_duration, renewable } = parsed.data.auth;
  const end = lease_duration === 0 ? {} : { untilMs: fromMs + lease_duration * 1_000 };
  return { text: client_token, renewable, fromMs, ...end };
}

/** A parser's message quotes the text. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InputInvalid("Vault's answer is no JSON");
  }
}
