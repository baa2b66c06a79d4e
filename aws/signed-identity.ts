import { SignatureV4 } from "@smithy/signature-v4";
import { proofRequest } from "./caller-proof.ts";
import { NodeSha256 } from "./node-sha256.ts";

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** A signed and unsent STS GetCallerIdentity: whoever sends it learns from AWS who signed it, and can do nothing else. */
export interface SignedIdentity {
  readonly url: string;
  readonly body: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** `bind` are headers that the signature covers besides, such as the one server that it is meant for. */
export async function signedIdentity({
  host,
  query,
  region,
  bind,
  credentials,
}: {
  readonly host: string;
  /** The question in the address and an empty body; without it the question is the body. */
  readonly query?: boolean;
  readonly region: string;
  readonly bind: Readonly<Record<string, string>>;
  readonly credentials: AwsCredentials;
}): Promise<SignedIdentity> {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const signer = new SignatureV4({
    ...{ service: "sts", region, sha256: NodeSha256, applyChecksum: false },
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
  });
  const form = new URLSearchParams(proofRequest.form).toString();
  const body = query === true ? "" : form;
  const { headers } = await signer.sign({
    ...{ method: proofRequest.method, protocol: "https:", hostname: host, path: proofRequest.path },
    ...(query === true && { query: { ...proofRequest.form } }),
    headers: { host, ...(query !== true && { "content-type": proofRequest.contentType }), ...bind },
    body,
  });
  return { url: `https://${host}/${query === true ? `?${form}` : ""}`, body, headers };
}
