import { stsHost } from "./partition.ts";

/**
 * A request for STS GetCallerIdentity that its maker signs and does not send. Whoever gets it can have AWS say whose
 * credentials signed it, and nothing else: one extra signed header ties it to one order to one deployment.
 */
export interface CallerProof {
  /** The Authorization header of Signature Version 4. */
  readonly authorization: string;
  /** X-Amz-Date: "20261130T120000Z". */
  readonly date: string;
  /** X-Amz-Security-Token, which temporary credentials have. */
  readonly securityToken?: string | undefined;
}

export const proofRequest = {
  method: "POST",
  path: "/",
  contentType: "application/x-www-form-urlencoded",
  /** In this order: the signature covers the bytes. */
  form: { Action: "GetCallerIdentity", Version: "2011-06-15" },
} as const;

/** Signed beside what every request to STS has. */
export const orderHeader = "x-rekey-order";

/** The deployment's table is unique in its account and Region, and the signature itself holds the Region. */
export function orderHeaderValue({
  table,
  sha256,
}: {
  readonly table: string;
  readonly sha256: string;
}): string {
  return `${table}/${sha256}`;
}

/** The SDK's own settings for another endpoint come first. */
export function stsEndpoint(env: Readonly<Record<string, string | undefined>>, region: string): string {
  const given = env["AWS_ENDPOINT_URL_STS"] ?? env["AWS_ENDPOINT_URL"];
  if (given !== undefined && given !== "") return given.replace(/\/$/, "");
  return `https://${stsHost(region, env)}`;
}
