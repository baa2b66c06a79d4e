import { publicKeyIn } from "../audit/certificates.ts";
import { signedDigestOf } from "../audit/dsse.ts";
import { whyNotCertificate } from "../audit/verify-certificate.ts";
import type { KnownCertificate } from "../console/sources.ts";
import type { CertificateReader } from "./command.ts";

/** A certificate from its place; `refusal` says why it is not the one that the ledger means. Undefined if nothing is there. */
export async function readCertificate(
  { path, sha256, expected }: KnownCertificate,
  { read, publicKey }: CertificateReader,
): Promise<{ readonly text: string; readonly refusal?: string } | undefined> {
  const text = await read(path);
  if (text === undefined) return undefined;
  const refusal =
    whyNotCertificate(text, { publicKey: publicKeyIn(await publicKey()), expected }) ??
    (signedDigestOf(text) === sha256 ? undefined : "it is not the one that the ledger names");
  return { text, ...(refusal !== undefined && { refusal }) };
}
