import * as z from "zod";
import { StoreUnavailable } from "../../core/errors.ts";
import type { Secret } from "../../core/secret.ts";
import { type HeldToken, heldToken } from "../held-token.ts";
import { type Fetch, sendJson } from "../http.ts";
import type { AzureSettings } from "./settings.ts";

export interface LoginWorld {
  readonly settings: AzureSettings;
  readonly fetch: Fetch;
  nowMs(): number;
  /** A token of this process's AWS role for the audience that Azure's federated credentials expect. */
  assertion(): Promise<Secret>;
}

const Granted = z.object({
  access_token: z.string().min(1).max(16_384),
  expires_in: z.coerce.number().positive().max(172_800),
});

/** A token is replaced so long before its end that no call is made with one about to end. */
const headStartMs = 5 * 60_000;

/**
 * A token without a stored secret: AWS's STS states who the function's role is, and Azure trusts that statement
 * (https://learn.microsoft.com/entra/workload-id/workload-identity-federation).
 */
export function federated(world: LoginWorld): HeldToken {
  return heldToken({
    login: () => login(world),
    isDue: ({ untilMs }) => world.nowMs() >= untilMs - headStartMs,
  });
}

async function login({ settings, fetch, nowMs, assertion }: LoginWorld) {
  const { authority, tenant, client, address } = settings;
  const fromMs = nowMs();
  const body = new URLSearchParams({
    ...{ grant_type: "client_credentials", client_id: client, scope: scopeOf(address) },
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: (await assertion()).reveal(),
  });
  const reply = await sendJson(
    { method: "POST", url: `${authority}/${tenant}/oauth2/v2.0/token`, body },
    fetch,
  );
  const granted = Granted.safeParse(reply.json);
  if (reply.status !== 200 || !granted.success)
    throw new StoreUnavailable(`Azure gave the application ${client} no token (${reply.status})`);
  const { access_token: text, expires_in: seconds } = granted.data;
  return { text, untilMs: fromMs + seconds * 1_000 };
}

/** Every vault of one cloud has the same. */
function scopeOf(address: string): string {
  return `https://${new URL(address).host.replace(/^[^.]+\./, "")}/.default`;
}
