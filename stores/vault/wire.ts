import { InputInvalid, SecretUnusable, StoreUnavailable } from "../../core/errors.ts";
import { boundedText, type Fetch, timeoutMs } from "../http.ts";
import type { VaultSettings } from "./settings.ts";

export interface VaultCall {
  readonly method: "GET" | "POST";
  /** Below /v1/. */
  readonly path: string;
  /** JSON. */
  readonly body?: string | undefined;
  readonly token?: string | undefined;
}

export interface VaultReply {
  readonly status: number;
  /** As it was sent: a number too large for a double is still itself. */
  readonly text: string;
}

/** What only says that another server has to be asked: on standby, recovering, sealed, or behind what was written. */
const elsewhere = [307, 308, 412, 429, 472, 473, 503];

/** One request, to the first server of the cluster that answers it. A write that is sent twice is refused by its `cas`. */
export async function send(
  call: VaultCall,
  { settings, fetch }: { readonly settings: VaultSettings; readonly fetch: Fetch },
): Promise<VaultReply> {
  let why = "";
  for (const address of settings.addresses) {
    const reply = await ask(address, call, { settings, fetch });
    if (typeof reply !== "string") return reply;
    why = reply;
  }
  throw new StoreUnavailable(`Vault is not available now: ${why}`);
}

/** The reply, or why the next server is asked. */
async function ask(
  address: string,
  { method, path, body, token }: VaultCall,
  { settings: { namespace }, fetch }: { readonly settings: VaultSettings; readonly fetch: Fetch },
): Promise<VaultReply | string> {
  const headers = {
    "X-Vault-Request": "true",
    ...(namespace !== undefined && { "X-Vault-Namespace": namespace }),
    ...(token !== undefined && { "X-Vault-Token": token }),
    ...(body !== undefined && { "Content-Type": "application/json" }),
  };
  try {
    const reply = await fetch(`${address}/v1/${path}`, {
      ...{ method, headers, redirect: "manual", signal: AbortSignal.timeout(timeoutMs) },
      ...(body !== undefined && { body }),
    });
    // A token is sent nowhere but to the addresses that the deployment lists.
    if (reply.status >= 500 || elsewhere.includes(reply.status)) return `${address} answered ${reply.status}`;
    return { status: reply.status, text: await boundedText(reply) };
  } catch (error) {
    if (error instanceof InputInvalid) throw error;
    return `${address} did not answer`;
  }
}

/** Only the status: an answer may quote what was sent. */
export function refusalOf(
  { status }: VaultReply,
  { what, reference }: { readonly what: string; readonly reference: string },
) {
  if (status === 403)
    return new SecretUnusable(`${reference}: Vault's policy does not allow to ${what} (403)`);
  return new InputInvalid(`${reference}: Vault refused to ${what} (${status})`);
}
