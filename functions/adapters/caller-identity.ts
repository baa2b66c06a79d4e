import * as z from "zod";
import { type CallerProof, orderHeader, orderHeaderValue, proofRequest } from "../../aws/caller-proof.ts";
import { AddressRefused, ProviderGarbled, ProviderUnavailable, StoreUnavailable } from "../../core/errors.ts";
import type { Http } from "../../providers/http.ts";
import type { IdentifyCaller } from "../deps.ts";

export interface CallerIdentityOptions {
  readonly http: Http;
  /** STS in this Region, which the deployment knows by itself: a proof cannot name another. */
  readonly endpoint: string;
  readonly region: string;
  /** The account of this deployment: no other's principals may order here. */
  readonly account: string;
  readonly table: string;
  /** Roles whose session names say which person it is; of any other role only the role is known. */
  readonly peopleRoles: readonly string[];
}

const waitMsMax = 5_000;

const Authorization =
  /^AWS4-HMAC-SHA256 Credential=\w{16,128}\/\d{8}\/([a-z0-9-]+)\/sts\/aws4_request, ?SignedHeaders=([a-z0-9;-]{1,200}), ?Signature=[0-9a-f]{64}$/;

const Identity = z.object({
  GetCallerIdentityResponse: z.object({
    GetCallerIdentityResult: z.object({
      Account: z.string().regex(/^\d{12}$/),
      Arn: z.string().min(20).max(2048),
    }),
  }),
});

/**
 * Asks STS who signed. The request is put together here from its fixed parts, so a proof can bring no other action,
 * no other host and no header of its own; what was signed otherwise, STS refuses.
 */
export function stsCallerIdentity(options: CallerIdentityOptions): IdentifyCaller {
  const { http, endpoint, account } = options;
  return async ({ proof, orderSha256 }) => {
    const malformed = whyNotProof(proof, options);
    if (malformed !== undefined) return { refusal: malformed };
    const reply = await http
      .send({
        method: proofRequest.method,
        url: `${endpoint}${proofRequest.path}`,
        headers: {
          "content-type": proofRequest.contentType,
          authorization: proof.authorization,
          "x-amz-date": proof.date,
          ...(proof.securityToken !== undefined && { "x-amz-security-token": proof.securityToken }),
          [orderHeader]: orderHeaderValue({ table: options.table, sha256: orderSha256 }),
        },
        form: proofRequest.form,
        timeoutMs: waitMsMax,
      })
      .catch(unavailable);
    if (reply.status >= 500 || reply.status === 429)
      throw new StoreUnavailable(`AWS does not say now who calls (STS answered ${reply.status})`);
    if (reply.status !== 200) return { refusal: "AWS does not know the signature under the order" };
    const { Account, Arn } = resultIn(reply.json);
    if (Account !== account)
      return { refusal: `the caller is of account ${Account}, this deployment of ${account}` };
    return { principal: principalOf(Arn, options.peopleRoles), signedBy: Arn };
  };
}

function whyNotProof({ authorization, securityToken }: CallerProof, { region }: CallerIdentityOptions) {
  const [, signedRegion, headers] = Authorization.exec(authorization) ?? [];
  if (headers === undefined) return "the proof of who calls is not a signature for STS";
  if (signedRegion !== region) return `the proof of who calls is for Region ${signedRegion}, not ${region}`;
  const token = securityToken === undefined ? [] : ["x-amz-security-token"];
  const wanted = ["content-type", "host", "x-amz-date", ...token, orderHeader].sort().join(";");
  // A header that is sent and not signed would be accepted by STS with any value.
  return headers === wanted ? undefined : "the proof of who calls does not sign the order";
}

function resultIn(json: unknown) {
  const parsed = Identity.safeParse(json);
  if (!parsed.success)
    throw new StoreUnavailable("AWS does not say now who calls (STS answered something else)");
  return parsed.data.GetCallerIdentityResponse.GetCallerIdentityResult;
}

/** Whoever may assume a role chooses the session's name, so it counts only where the deployment says that it does. */
function principalOf(arn: string, peopleRoles: readonly string[]): string {
  const [, partition, account, role = ""] =
    /^arn:([\w-]+):sts::(\d{12}):assumed-role\/([^/]+)\/.+$/.exec(arn) ?? [];
  if (role === "" || peopleRoles.includes(role)) return arn;
  return `arn:${partition}:iam::${account}:role/${role}`;
}

function unavailable(error: unknown): never {
  if (
    error instanceof ProviderUnavailable ||
    error instanceof ProviderGarbled ||
    error instanceof AddressRefused
  )
    throw new StoreUnavailable("AWS does not say now who calls (STS did not answer)");
  throw error;
}
