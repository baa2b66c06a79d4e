import * as z from "zod";
import type { SecretArn } from "../core/ports.ts";
import { canonicalJson } from "./canonical-json.ts";
import type { AuditLog } from "./chain.ts";
import type { Verification } from "./verify-chain.ts";

const seqDigits = 12;
/** A busy log gets one checkpoint an hour, and each takes a few calls to read. */
const readAtOnceMax = 8;
const folder = "checkpoints/";
/** One name for each chain and month with a checkpoint: there are far too many checkpoints to list them all. */
const chainsFolder = "chains/";
const chainName = /^chains\/\d{4}-\d{2}\/(.+)\.json$/;
const checkpointName = /^(\d{12})\.json$/;

/** Signs checkpoints. Whoever can write the ledger's table must not be able to use this key. */
export interface Signer {
  /** `signature` is base64. */
  sign(bytes: Uint8Array): Promise<{ readonly signature: string; readonly keyId: string }>;
  /** False for a signature by a key that is not trusted here, whatever `keyId` says. */
  verify(signed: {
    readonly bytes: Uint8Array;
    readonly signature: string;
    readonly keyId: string;
  }): Promise<boolean>;
}

/** A place outside the ledger. Once written, its contents cannot be changed. */
export interface Anchor {
  /** Writes once: if there is something under this name already, it stays. */
  write(name: string, text: string): Promise<void>;
  /** The text that was written first under this name. */
  read(name: string): Promise<string | undefined>;
  /** Every name that begins with `prefix`, in order, including names that were hidden by a delete marker. */
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

/** States that at `atMs` the newest entry was `seq`, with `hash`. */
export type Checkpoint = Readonly<z.infer<typeof checkpointText>>;

export type Anchoring =
  | { readonly outcome: "anchored"; readonly checkpoint: Checkpoint }
  | { readonly outcome: "unchanged" }
  | { readonly outcome: "broken"; readonly brokenAt: number; readonly why: string };

/** Whether the chain is intact, and the newest checkpoint that confirms it: it covers every entry up to its own. */
export type Proof = Verification & { readonly checkpoint?: Checkpoint & { readonly name: string } };

export interface CheckpointVerifier {
  /** Verifies the chain against every anchored checkpoint, and each checkpoint's signature. */
  verify(secretArn: SecretArn): Promise<Proof>;
  /**
   * Every chain that has a checkpoint. The table cannot say which chains there were: whoever can delete a chain
   * can delete what names it.
   */
  chains(): Promise<readonly SecretArn[]>;
}

export interface AuditCheckpoints extends CheckpointVerifier {
  /**
   * Signs and anchors the newest entry. If the chain contradicts the newest checkpoint, nothing is signed. As
   * this held for every checkpoint before, each one confirms the whole chain up to it.
   */
  write(secretArn: SecretArn): Promise<Anchoring>;
}

/** What is needed to verify. A person with only this can neither sign nor write. */
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

    async chains() {
      const names = await options.anchor.list(chainsFolder);
      const folders = names.flatMap((name) => chainName.exec(name)?.[1] ?? []);
      return [...new Set(folders)].map(chainOf);
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
      const month = monthOf(claim.atMs);
      if (newest === undefined || monthOf(newest.atMs) !== month) {
        await anchor.write(
          `${chainsFolder}${month}/${foldersOf(secretArn)}.json`,
          canonicalJson({ secretArn }),
        );
      }
      await anchor.write(nameOf(claim), canonicalJson(checkpoint));
      return { outcome: "anchored", checkpoint };
    },
  };
}

/** Compares the chain with the checkpoints at these places. */
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

/** The text at the beginning ensures that a signature made for something else cannot pass as a checkpoint. */
function signedBytes({ secretArn, seq, hash, atMs }: Claim): Uint8Array {
  return Buffer.from(`rekey-audit-checkpoint ${canonicalJson({ secretArn, seq, hash, atMs })}`);
}

type Place = Pick<Claim, "secretArn" | "seq">;

function nameOf({ secretArn, seq }: Place): string {
  return `${folderOf(secretArn)}${String(seq).padStart(seqDigits, "0")}.json`;
}

/** Slashes make folders of the ARN's parts, so that people can browse them. */
function foldersOf(secretArn: SecretArn): string {
  return secretArn.replaceAll(":", "/");
}

function folderOf(secretArn: SecretArn): string {
  return `${folder}${foldersOf(secretArn)}/`;
}

function monthOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, "2026-11".length);
}

/** The chain of a folder. An ARN's first six parts have no slash in them; its last part may have some. */
function chainOf(name: string): SecretArn {
  if (!name.startsWith("arn/")) return name;
  const parts = name.split("/");
  return [...parts.slice(0, arnParts), parts.slice(arnParts).join("/")].join(":");
}

/** arn, partition, service, Region, account, "secret". */
const arnParts = 6;

interface Refused {
  readonly seq: number;
  readonly why: string;
}

/** The places of a chain's checkpoints, oldest first. */
async function placesOf({ anchor }: VerifierOptions, secretArn: SecretArn): Promise<readonly Place[]> {
  const prefix = folderOf(secretArn);
  return (await anchor.list(prefix)).flatMap((name) => {
    const seq = Number(checkpointName.exec(name.slice(prefix.length))?.[1]);
    return Number.isNaN(seq) ? [] : [{ secretArn, seq }];
  });
}

/** The checkpoint, or why it cannot be used. */
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

/** An unusable checkpoint is a break as well. If the chain is broken earlier, that break is reported. */
function soonest(verification: Verification, refused: Refused | undefined): Verification {
  if (!refused || !verification.verified) return verification;
  return { entries: verification.entries, verified: false, brokenAt: refused.seq, why: refused.why };
}
