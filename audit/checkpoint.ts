import * as z from "zod";
import type { SecretArn } from "../core/ports.ts";
import { canonicalJson } from "./canonical-json.ts";
import type { AuditLog } from "./chain.ts";
import type { Verification } from "./verify-chain.ts";

const seqDigits = 12;
/** A busy log has a checkpoint an hour; each takes a few calls to read. */
const readAtOnceMax = 8;
const folder = "checkpoints/";
const checkpointName = /^(\d{12})\.json$/;

/** A key that signs checkpoints; whoever can write the ledger's table must not be able to use it. */
export interface Signer {
  /** `signature` is base64. */
  sign(bytes: Uint8Array): Promise<{ readonly signature: string; readonly keyId: string }>;
  /** False for a signature of any key that is not trusted here, whatever `keyId` says. */
  verify(signed: {
    readonly bytes: Uint8Array;
    readonly signature: string;
    readonly keyId: string;
  }): Promise<boolean>;
}

/** A place outside the ledger whose contents cannot be changed once written. */
export interface Anchor {
  /** Writes once: what is there already under this name stays. */
  write(name: string, text: string): Promise<void>;
  /** What was written first under this name. */
  read(name: string): Promise<string | undefined>;
  /** Every name that begins with `prefix`, in order, hidden ones too. */
  list(prefix: string): Promise<readonly string[]>;
}

const checkpointText = z.strictObject({
  secretArn: z.string(),
  seq: z.int().positive(),
  hash: z.string(),
  atMs: z.number(),
  signature: z.string(),
  keyId: z.string(),
});

/** The word that at `atMs` entry `seq` was the newest and had `hash`. */
export type Checkpoint = Readonly<z.infer<typeof checkpointText>>;

export type Anchoring =
  | { readonly outcome: "anchored"; readonly checkpoint: Checkpoint }
  | { readonly outcome: "unchanged" }
  | { readonly outcome: "broken"; readonly brokenAt: number; readonly why: string };

/** What the chain is worth, and the newest checkpoint that says so: it covers every entry up to its own. */
export type Proof = Verification & { readonly checkpoint?: Checkpoint & { readonly name: string } };

export interface CheckpointVerifier {
  /** Verifies the chain against every checkpoint that was anchored, and each checkpoint's signature. */
  verify(secretArn: SecretArn): Promise<Proof>;
}

export interface AuditCheckpoints extends CheckpointVerifier {
  /**
   * Signs and anchors the newest entry. A chain that contradicts the newest checkpoint is never signed: that one
   * was not signed either before the chain agreed with the one before it, and so on to the first.
   */
  write(secretArn: SecretArn): Promise<Anchoring>;
}

/** What it takes to verify: a person who may do that can neither sign nor write. */
export interface VerifierOptions {
  readonly log: Pick<AuditLog, "verify">;
  readonly signer: Pick<Signer, "verify">;
  readonly anchor: Pick<Anchor, "read" | "list">;
}

export interface AuditCheckpointsOptions extends VerifierOptions {
  readonly signer: Signer;
  readonly anchor: Anchor;
  readonly now: () => number;
}

export function checkpointVerifier(options: VerifierOptions): CheckpointVerifier {
  return {
    async verify(secretArn) {
      const { verification, newest } = await inspect(secretArn, await placesOf(options, secretArn), options);
      return { ...verification, ...(newest && { checkpoint: { ...newest, name: nameOf(newest) } }) };
    },
  };
}

export function auditCheckpoints(options: AuditCheckpointsOptions): AuditCheckpoints {
  const { signer, anchor, now } = options;
  return {
    ...checkpointVerifier(options),

    async write(secretArn) {
      const newestPlace = (await placesOf(options, secretArn)).slice(-1);
      const { verification, newest } = await inspect(secretArn, newestPlace, options);
      if (!verification.verified) {
        return { outcome: "broken", brokenAt: verification.brokenAt, why: verification.why };
      }
      if (verification.entries <= (newest?.seq ?? 0)) return { outcome: "unchanged" };
      const claim = { secretArn, seq: verification.entries, hash: verification.headHash, atMs: now() };
      const checkpoint = { ...claim, ...(await signer.sign(signedBytes(claim))) };
      await anchor.write(nameOf(claim), canonicalJson(checkpoint));
      return { outcome: "anchored", checkpoint };
    },
  };
}

/** The chain, judged by the checkpoints at these places. */
async function inspect(secretArn: SecretArn, places: readonly Place[], options: VerifierOptions) {
  const read: (Checkpoint | Refused)[] = [];
  for (let from = 0; from < places.length; from += readAtOnceMax) {
    const some = places.slice(from, from + readAtOnceMax);
    read.push(...(await Promise.all(some.map((place) => readCheckpoint(options, place)))));
  }
  const checkpoints = read.filter((each) => "hash" in each);
  const refused = read.find((each) => "why" in each);
  const verification = await options.log.verify(secretArn, checkpoints);
  return { verification: soonest(verification, refused), newest: checkpoints.at(-1) };
}

type Claim = Omit<Checkpoint, "signature" | "keyId">;

/** The first word keeps a signature made for something else from passing as a checkpoint. */
function signedBytes({ secretArn, seq, hash, atMs }: Claim): Uint8Array {
  return Buffer.from(`rekey-audit-checkpoint ${canonicalJson({ secretArn, seq, hash, atMs })}`);
}

type Place = Pick<Claim, "secretArn" | "seq">;

function nameOf({ secretArn, seq }: Place): string {
  return `${folderOf(secretArn)}${String(seq).padStart(seqDigits, "0")}.json`;
}

/** Slashes make the ARN's parts folders that a person can browse. */
function folderOf(secretArn: SecretArn): string {
  return `${folder}${secretArn.replaceAll(":", "/")}/`;
}

interface Refused {
  readonly seq: number;
  readonly why: string;
}

/** Where checkpoints of the chain are, oldest first. */
async function placesOf({ anchor }: VerifierOptions, secretArn: SecretArn): Promise<readonly Place[]> {
  const prefix = folderOf(secretArn);
  return (await anchor.list(prefix)).flatMap((name) => {
    const seq = Number(checkpointName.exec(name.slice(prefix.length))?.[1]);
    return Number.isNaN(seq) ? [] : [{ secretArn, seq }];
  });
}

/** The checkpoint, or why it proves nothing. */
async function readCheckpoint(
  { signer, anchor }: VerifierOptions,
  place: Place,
): Promise<Checkpoint | Refused> {
  const { seq } = place;
  const checkpoint = checkpointIn(await anchor.read(nameOf(place)));
  if (checkpoint?.secretArn !== place.secretArn || checkpoint.seq !== seq) {
    return { seq, why: `the checkpoint of entry ${seq} cannot be read` };
  }
  const { signature, keyId } = checkpoint;
  if (await signer.verify({ bytes: signedBytes(checkpoint), signature, keyId })) return checkpoint;
  return { seq, why: `the signature under the checkpoint of entry ${seq} is not ours` };
}

function checkpointIn(text: string | undefined): Checkpoint | undefined {
  try {
    return checkpointText.safeParse(JSON.parse(text ?? "")).data;
  } catch {
    return undefined;
  }
}

/** A checkpoint that proves nothing is itself a break; a break found earlier in the chain says more. */
function soonest(verification: Verification, refused: Refused | undefined): Verification {
  if (!refused || !verification.verified) return verification;
  return { entries: verification.entries, verified: false, brokenAt: refused.seq, why: refused.why };
}
