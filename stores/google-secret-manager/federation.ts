import * as z from "zod";
import { type AwsCredentials, signedIdentity } from "../../aws/signed-identity.ts";
import { StoreUnavailable } from "../../core/errors.ts";
import { type HeldToken, heldToken } from "../held-token.ts";
import { type Fetch, sendJson } from "../http.ts";
import type { GoogleSettings } from "./settings.ts";

const Exchanged = z.object({
  access_token: z.string().min(1).max(16_384),
  expires_in: z.number().positive().default(3_600),
});
const Impersonated = z.object({ accessToken: z.string().min(1).max(16_384), expireTime: z.iso.datetime() });

interface Token {
  readonly text: string;
  readonly untilMs: number;
}

export interface FederationWorld {
  readonly settings: GoogleSettings;
  readonly fetch: Fetch;
  nowMs(): number;
  awsCredentials(): Promise<AwsCredentials>;
}

/** Google gives this role no token; its own rules may have to spread first, so a later try may help. */
export class LoginRefused extends StoreUnavailable {}

const scope = "https://www.googleapis.com/auth/cloud-platform";
/** A token is replaced so long before its end that no call is made with one about to end. */
const headStartMs = 5 * 60_000;

/**
 * A token without a stored key (https://google.aip.dev/auth/4117): the function's own AWS role signs a question who it
 * is, Google sends that to STS, and gives a token to whom the answer names.
 */
export function federated(world: FederationWorld): HeldToken {
  return heldToken({
    login: () => exchange(world),
    isDue: ({ untilMs }) => world.nowMs() >= untilMs - headStartMs,
  });
}

async function exchange(world: FederationWorld): Promise<Token> {
  const { settings, fetch, nowMs } = world;
  const { audience, serviceAccount } = settings;
  const fromMs = nowMs();
  const reply = await sendJson(
    {
      ...{ method: "POST", url: "https://sts.googleapis.com/v1/token" },
      body: {
        ...{ audience, scope, grantType: "urn:ietf:params:oauth:grant-type:token-exchange" },
        requestedTokenType: "urn:ietf:params:oauth:token-type:access_token",
        subjectTokenType: "urn:ietf:params:aws:token-type:aws4_request",
        subjectToken: await subjectToken(world),
      },
    },
    fetch,
  );
  const exchanged = Exchanged.safeParse(reply.json);
  if (reply.status !== 200 || !exchanged.success)
    throw new LoginRefused(`Google's STS refused this AWS role for ${audience} (${reply.status})`);
  const { access_token: text, expires_in: seconds } = exchanged.data;
  const own = { text, untilMs: fromMs + seconds * 1_000 };
  return serviceAccount === undefined ? own : impersonate({ own, serviceAccount }, fetch);
}

async function impersonate(
  { own, serviceAccount }: { readonly own: Token; readonly serviceAccount: string },
  fetch: Fetch,
): Promise<Token> {
  const url = `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${serviceAccount}:generateAccessToken`;
  const reply = await sendJson({ method: "POST", url, token: own.text, body: { scope: [scope] } }, fetch);
  const made = Impersonated.safeParse(reply.json);
  if (reply.status !== 200 || !made.success)
    throw new LoginRefused(`Google gives this AWS role no token of ${serviceAccount} (${reply.status})`);
  return { text: made.data.accessToken, untilMs: Date.parse(made.data.expireTime) };
}

/** A signed request that Google sends to AWS; the signature covers which provider it is for. */
async function subjectToken({ settings, awsCredentials }: FederationWorld): Promise<string> {
  const { audience, region } = settings;
  const { url, headers } = await signedIdentity({
    ...{ host: `sts.${region}.amazonaws.com`, region, query: true },
    bind: { "x-goog-cloud-target-resource": audience },
    credentials: await awsCredentials(),
  });
  const listed = Object.entries(headers).map(([key, value]) => ({ key, value }));
  return encodeURIComponent(JSON.stringify({ url, method: "POST", headers: listed }));
}
