import * as z from "zod";
import type { SecretArn } from "../core/ports.ts";
import { canonicalJson } from "./canonical-json.ts";
import type { AuditLog } from "./chain.ts";
import type { Verification } from "./verify-chain.ts";

const seqDigits = 12;
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

export interface AuditCheckpoints {
  /** Signs and anchors the newest entry. A chain that contradicts an earlier checkpoint is never signed. */
  write(secretArn: SecretArn): Promise<Anchoring>;
  /** Verifies the chain against every checkpoint that was anchored, and each checkpoint's signature. */
  verify(secretArn: SecretArn): Promise<Verification>;
}

export interface AuditCheckpointsOptions {
  readonly log: AuditLog;
  readonly signer: Signer;
  readonly anchor: Anchor;
  readonly now: () => number;
}

export function auditCheckpoints(options: AuditCheckpointsOptions): AuditCheckpoints {
  const { log, signer, anchor, now } = options;

  async function inspect(secretArn: SecretArn) {
    const found = await readCheckpoints(options, secretArn);
    const verification = await log.verify(secretArn, found.checkpoints);
    return {
      newestSeq: found.checkpoints.at(-1)?.seq ?? 0,
      verification: soonest(verification, found.refused),
    };
  }

  return {
    async write(secretArn) {
      const { newestSeq, verification } = await inspect(secretArn);
      if (!verification.verified) {
        return { outcome: "broken", brokenAt: verification.brokenAt, why: verification.why };
      }
      if (verification.entries <= newestSeq) return { outcome: "unchanged" };
      const claim = { secretArn, seq: verification.entries, hash: verification.headHash, atMs: now() };
      const checkpoint = { ...claim, ...(await signer.sign(signedBytes(claim))) };
      await anchor.write(nameOf(claim), canonicalJson(checkpoint));
      return { outcome: "anchored", checkpoint };
    },

    verify: async (secretArn) => (await inspect(secretArn)).verification,
  };
}

type Claim = Omit<Checkpoint, "signature" | "keyId">;

/** The first word keeps a signature made for something else from passing as a checkpoint. */
function signedBytes({ secretArn, seq, hash, atMs }: Claim): Uint8Array {
  return Buffer.from(`rekey-audit-checkpoint ${canonicalJson({ secretArn, seq, hash, atMs })}`);
}

function nameOf({ secretArn, seq }: Pick<Claim, "secretArn" | "seq">): string {
  return `${folderOf(secretArn)}${String(seq).padStart(seqDigits, "0")}.json`;
}

/** Slashes make the ARN's parts folders that a person can browse. */
function folderOf(secretArn: SecretArn): string {
  return `${secretArn.replaceAll(":", "/")}/`;
}

interface Refused {
  readonly seq: number;
  readonly why: string;
}

async function readCheckpoints(
  options: AuditCheckpointsOptions,
  secretArn: SecretArn,
): Promise<{ readonly checkpoints: readonly Checkpoint[]; readonly refused: Refused | undefined }> {
  const folder = folderOf(secretArn);
  const checkpoints: Checkpoint[] = [];
  let refused: Refused | undefined;
  for (const name of await options.anchor.list(folder)) {
    const seq = Number(checkpointName.exec(name.slice(folder.length))?.[1]);
    if (Number.isNaN(seq)) continue;
    const read = await readCheckpoint(options, { secretArn, seq });
    if (typeof read !== "string") checkpoints.push(read);
    else refused ??= { seq, why: read };
  }
  return { checkpoints, refused };
}

/** The checkpoint, or why it proves nothing. */
async function readCheckpoint(
  { signer, anchor }: AuditCheckpointsOptions,
  place: Pick<Claim, "secretArn" | "seq">,
): Promise<Checkpoint | string> {
  const checkpoint = checkpointIn(await anchor.read(nameOf(place)));
  if (checkpoint?.secretArn !== place.secretArn || checkpoint.seq !== place.seq) {
    return `the checkpoint of entry ${place.seq} cannot be read`;
  }
  const { signature, keyId } = checkpoint;
  if (await signer.verify({ bytes: signedBytes(checkpoint), signature, keyId })) return checkpoint;
  return `the signature under the checkpoint of entry ${place.seq} is not ours`;
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
