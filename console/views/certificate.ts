import { incidentCertificateName, rotationCertificateName } from "../../audit/certificates.ts";
import type { RotationRecord } from "../../ledger/entries.ts";
import { commandLine } from "../command-line.ts";
import type { Advice, CertificateShown } from "../shown.ts";
import type { CertificateRead, KnownCertificate, Sources } from "../sources.ts";

/** A rotation is named by its secret and its id, an incident by its id alone. */
export interface CertificateAsked {
  readonly id: string;
  readonly run?: string | undefined;
}

type Found = Pick<CertificateShown, "about" | "secret"> & {
  /** Undefined while there is none. */
  readonly known?: KnownCertificate;
};

/** The newest run of a secret that ended with a certificate. */
export function newestCertified(
  rotations: readonly RotationRecord[],
): { readonly rotationId: string; readonly atMs: number } | undefined {
  const [newest] = rotations
    .filter(({ certificate }) => certificate !== undefined)
    .sort((a, b) => b.openedAtMs - a.openedAtMs);
  return newest && { rotationId: newest.rotationId, atMs: newest.closedAtMs ?? newest.openedAtMs };
}

/** A filed certificate never changes: it is read once, and then only the clock moves. */
export function certificateReader(asked: CertificateAsked, sources: Sources) {
  let held: CertificateShown | undefined;
  return async (): Promise<CertificateShown | undefined> => {
    if (held !== undefined) return { ...held, nowMs: sources.nowMs() };
    const found = await findIn(asked, sources);
    if (found === undefined) return undefined;
    const { known, ...named } = found;
    const base = { kind: "certificate" as const, nowMs: sources.nowMs(), ...named, lines: [], advice: [] };
    if (known === undefined) return { ...base, state: { tone: "quiet", text: "there is none yet" } };
    const { path } = known;
    if (sources.certificates === undefined)
      return {
        ...{ ...base, path, state: { tone: "quiet", text: "not read" } },
        advice: [{ what: "set REKEY_AUDIT_BUCKET and REKEY_AUDIT_KEY_ID, and start rekey console again" }],
      };
    const read = await sources.certificates.read(known);
    held = { ...base, path, ...shownAs(read, { asked, about: named.about }) };
    return held;
  };
}

/** The bytes that were signed, for a download; undefined where there are none. */
export async function certificateFile(
  asked: CertificateAsked,
  sources: Sources,
): Promise<{ readonly name: string; readonly text: string } | undefined> {
  const found = await findIn(asked, sources);
  if (found?.known === undefined) return undefined;
  const read = await sources.certificates?.read(found.known);
  return read && { name: fileName(found.about), text: read.text };
}

async function findIn({ id, run }: CertificateAsked, { ledger }: Sources): Promise<Found | undefined> {
  if (run === undefined) {
    const incident = await ledger.incidents.incident(id);
    if (incident === undefined) return undefined;
    const { incidentId: about, certificate } = incident;
    const path = incidentCertificateName(about);
    return { about, ...(certificate && { known: { path, sha256: certificate.sha256, expected: about } }) };
  }
  const rotation = await ledger.rotation(id, run);
  if (rotation === undefined) return undefined;
  const { rotationId: about, secretArn, certificate, policy } = rotation;
  const path = rotationCertificateName(secretArn, about);
  return {
    ...{ about, secret: { secretArn, name: policy.name } },
    ...(certificate && { known: { path, sha256: certificate.sha256, expected: about } }),
  };
}

function shownAs(
  read: CertificateRead | undefined,
  { asked, about }: { readonly asked: CertificateAsked; readonly about: string },
): Pick<CertificateShown, "state" | "lines" | "file" | "advice"> {
  if (read === undefined)
    return {
      state: { tone: "bad", text: "the bucket does not hold it" },
      ...{ lines: [], advice: [{ what: "check the log that names it", command: "rekey audit verify" }] },
    };
  const { refusal, lines } = read;
  const query = new URLSearchParams({ id: asked.id, ...(asked.run !== undefined && { run: asked.run }) });
  return {
    state:
      refusal === undefined
        ? { tone: "good", text: "verified: signed, unchanged, and the one that the ledger names" }
        : { tone: "bad", text: refusal },
    lines,
    file: { name: fileName(about), address: `/certificate?${query}`, keyAddress: "/audit-key.pem" },
    advice: adviceFor(about),
  };
}

function adviceFor(about: string): readonly Advice[] {
  const words = ["rekey", "verify", fileName(about), "--key", keyFile];
  const named = fileName(about) === otherName ? [...words, "--of", about] : words;
  const command = commandLine(named);
  return [
    {
      what: "verify it again, offline, in the folder of both files",
      ...(command !== undefined && { command }),
    },
    {
      what: "have the key from AWS, if you do not trust this machine",
      command: `aws kms get-public-key --key-id "$REKEY_AUDIT_KEY_ID" --query PublicKey --output text | base64 -d | openssl pkey -pubin -inform DER -out ${keyFile}`,
    },
  ];
}

const keyFile = "audit-key.pem";
const otherName = "certificate.json";

/** `rekey verify` expects a certificate of what its file is named after. */
function fileName(about: string): string {
  return /^[A-Za-z0-9][\w.-]{0,150}$/.test(about) ? `${about}.json` : otherName;
}
