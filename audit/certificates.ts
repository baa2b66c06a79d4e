import { createPublicKey, type KeyObject } from "node:crypto";
import type { Statement } from "../core/certificate/statement.ts";
import { InputInvalid } from "../core/errors.ts";
import { canonicalJson } from "./canonical-json.ts";
import type { Anchor, Signer } from "./checkpoint.ts";
import { envelopeText, keyidOf, payloadType, preAuthEncoding, signedDigestOf } from "./dsse.ts";
import { whyNotCertificate } from "./verify-certificate.ts";

/**
 * A certificate in its place. `sha256` is that of the signed bytes, in hex: a signature can be written in more than one
 * way, so the file's own digest would not identify the certificate.
 */
export interface Filed {
  readonly path: string;
  readonly sha256: string;
  readonly keyid: string;
}

export interface Certificates {
  /**
   * Signs the statement and files it under this name. The first one that was filed stays: a repeat answers with it.
   * Throws InputInvalid if something else stands in its place.
   */
  file(name: string, statement: Statement): Promise<Filed>;
}

export interface CertificatesOptions {
  readonly signer: Pick<Signer, "sign"> & {
    /** DER (SPKI). */
    publicKey(): Promise<Uint8Array>;
  };
  readonly shelf: Pick<Anchor, "read" | "write">;
}

export function certificates({ signer, shelf }: CertificatesOptions): Certificates {
  return {
    async file(name, statement) {
      const publicKey = publicKeyIn(await signer.publicKey());
      const stored = (await shelf.read(name)) ?? (await signAndWrite({ name, statement, publicKey }));
      const [subject] = statement.subject;
      refuse(name, whyNotCertificate(stored, { publicKey, expected: subject?.name ?? "" }));
      return { path: name, sha256: signedDigestOf(stored) ?? "", keyid: keyidOf(publicKey) };
    },
  };

  async function signAndWrite(unsigned: { name: string; statement: Statement; publicKey: KeyObject }) {
    const { name, statement, publicKey } = unsigned;
    const payload = Buffer.from(canonicalJson(statement));
    const { signature } = await signer.sign(preAuthEncoding(payloadType, payload));
    const text = envelopeText({
      ...{ payload: payload.toString("base64"), payloadType },
      signatures: [{ keyid: keyidOf(publicKey), sig: signature }],
    });
    // What nobody could verify must not take the place: it could never be replaced.
    refuse(name, whyNotCertificate(text, { publicKey, expected: statement.subject[0]?.name ?? "" }));
    await shelf.write(name, text);
    // Another try of the same step may have been first.
    return (await shelf.read(name)) ?? text;
  }
}

function refuse(name: string, why: string | undefined): void {
  if (why !== undefined) throw new InputInvalid(`what is filed as ${name} is no certificate: ${why}`);
}

export function publicKeyIn(der: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(der), format: "der", type: "spki" });
}

/** Where a rotation's certificate is filed: a folder per secret, so that people can browse them. */
export function rotationCertificateName(secretArn: string, rotationId: string): string {
  return `certificates/${secretArn.replaceAll(":", "/")}/${rotationId}.json`;
}

export function incidentCertificateName(incidentId: string): string {
  return `certificates/incidents/${incidentId}.json`;
}
