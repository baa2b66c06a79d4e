import { createHash, type KeyObject } from "node:crypto";
import { certificateStatement } from "../events/certificate.ts";
import { openEnvelope } from "./dsse.ts";

export interface Expectation {
  readonly publicKey: KeyObject;
  /** The run, incident, secret or key that it must be about: a certificate of another one proves nothing here. */
  readonly expected: string;
}

/** What is wrong with a certificate, in words; undefined if this key signed it and it is about what was expected. */
export function whyNotCertificate(text: string, { publicKey, expected }: Expectation): string | undefined {
  const opened = openEnvelope(text, publicKey);
  if ("why" in opened) return opened.why;
  const parsed = certificateStatement.safeParse(opened.payload);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return `its content is not as documented, at ${issue?.path.join(".") || "the top"}`;
  }
  const { subject } = parsed.data;
  if (subject.some((each) => isNamed(each, expected))) return undefined;
  return `it is about ${subject[0]?.name}, not about ${expected}`;
}

/** Compared by digest, as in-toto has it: a full name such as "rotation:r-1", its id alone, or a key's fingerprint. */
function isNamed({ digest }: { readonly digest: { readonly sha256: string } }, expected: string): boolean {
  if (expected === `sha256:${digest.sha256}`) return true;
  const names = [expected, ...["rotation", "incident", "secret"].map((kind) => `${kind}:${expected}`)];
  return names.some((name) => sha256Of(name) === digest.sha256);
}

export function sha256Of(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
