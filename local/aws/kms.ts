import { generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import * as z from "zod";
import { signatureOf, verifies } from "./ecdsa.ts";
import { AwsError, type JsonService } from "./service.ts";

export interface KmsOptions {
  readonly region: string;
  readonly account: string;
  readonly now?: (() => number) | undefined;
  /** Aliases, such as "alias/rekey", of keys that exist from the start. */
  readonly signingAlias?: string | undefined;
}

export interface Kms extends JsonService {
  /** Makes a P-256 key with this id. */
  add(keyId: string): void;
  /** Its deletion is scheduled, and nothing can be signed with it any more. */
  drop(keyId: string): void;
}

interface Material {
  readonly spec: "ECC_NIST_P256";
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

interface Key {
  readonly keyId: string;
  readonly arn: string;
  readonly createdAtMs: number;
  readonly material: Material;
  deletionAtMs?: number | undefined;
}

const Blob = z.base64().max(8192);
const Message = Blob.transform((text) => Buffer.from(text, "base64")).refine((bytes) => bytes.length <= 4096);
const KeyId = z.string().min(1).max(2048);
const Signing = {
  KeyId,
  Message,
  MessageType: z.enum(["RAW", "DIGEST"]).default("RAW"),
  SigningAlgorithm: z.string(),
};
const Sign = z.object(Signing);
const Verify = z.object({ ...Signing, Signature: Blob });
const CreateKey = z.object({ KeySpec: z.literal("ECC_NIST_P256"), KeyUsage: z.string() });
const ScheduleKeyDeletion = z.object({ KeyId, PendingWindowInDays: z.int().min(7).max(30).default(30) });

const signingAlgorithm = "ECDSA_SHA_256";
const digestBytes = 32;
const dayMs = 24 * 60 * 60 * 1000;
const usage = "SIGN_VERIFY";

/** Key Management Service: P-256 signatures with keys that never leave the process. */
export function kms(options: KmsOptions): Kms {
  const keys = keyRing(options);
  if (options.signingAlias) keys.create("ECC_NIST_P256", options.signingAlias);

  const operations: ReadonlyMap<string, (input: Record<string, unknown>) => unknown> = new Map(
    Object.entries({
      CreateKey: (input: Record<string, unknown>) => createKey(keys, input),
      ScheduleKeyDeletion: (input: Record<string, unknown>) => scheduleDeletion(keys, input),
      GetPublicKey: (input: Record<string, unknown>) => getPublicKey(keys, input),
      Sign: (input: Record<string, unknown>) => sign(keys, input),
      Verify: (input: Record<string, unknown>) => verify(keys, input),
    }),
  );
  return {
    target: "TrentService",
    add: (keyId) => void keys.create("ECC_NIST_P256", undefined, keyId),
    drop: (KeyId) => void scheduleDeletion(keys, { KeyId }),
    async call(operation, input) {
      const run = operations.get(operation);
      if (run) return run(input);
      throw new AwsError("UnknownOperationException", `The operation ${operation} is not served here.`);
    },
  };
}

interface KeyRing {
  create(spec: Material["spec"], alias?: string, keyId?: string): Key;
  /** By key id, key ARN, alias or alias ARN. */
  find(keyId: string): Key;
  /** A key that may be used now. */
  usable(keyId: string): Key;
  readonly now: () => number;
}

function keyRing({ region, account, now = Date.now }: KmsOptions): KeyRing {
  const byName = new Map<string, Key>();
  const arnPrefix = `arn:aws:kms:${region}:${account}:`;
  const find = (keyId: string): Key => {
    const name = keyId.startsWith(arnPrefix) ? keyId.slice(arnPrefix.length).replace(/^key\//, "") : keyId;
    const key = byName.get(name);
    if (key) return key;
    throw new AwsError("NotFoundException", `Key '${keyId}' does not exist`);
  };
  return {
    now,
    find,
    create(spec, alias, keyId = randomUUID()) {
      const key: Key = {
        keyId,
        arn: `${arnPrefix}key/${keyId}`,
        createdAtMs: now(),
        material: newMaterial(spec),
      };
      byName.set(keyId, key);
      if (alias) byName.set(alias, key);
      return key;
    },
    usable(keyId) {
      const key = find(keyId);
      if (key.deletionAtMs !== undefined) {
        throw new AwsError("KMSInvalidStateException", `${key.arn} is pending deletion.`);
      }
      return key;
    },
  };
}

function newMaterial(spec: Material["spec"]): Material {
  return { spec, ...generateKeyPairSync("ec", { namedCurve: "P-256" }) };
}

function createKey(keys: KeyRing, input: Record<string, unknown>) {
  const { KeySpec, KeyUsage } = read(CreateKey, input);
  if (KeyUsage !== usage) {
    const message = `KeyUsage ${KeyUsage} is not compatible with KeySpec ${KeySpec}`;
    throw new AwsError("ValidationException", message);
  }
  const key = keys.create(KeySpec);
  const state = { Enabled: true, KeyState: "Enabled", KeyManager: "CUSTOMER", Origin: "AWS_KMS" };
  const names = { KeyId: key.keyId, Arn: key.arn, KeySpec, KeyUsage, CreationDate: key.createdAtMs / 1000 };
  return { KeyMetadata: { ...names, ...state } };
}

function scheduleDeletion(keys: KeyRing, input: Record<string, unknown>) {
  const { KeyId: keyId, PendingWindowInDays } = read(ScheduleKeyDeletion, input);
  const key = keys.find(keyId);
  key.deletionAtMs = keys.now() + PendingWindowInDays * dayMs;
  return {
    KeyId: key.arn,
    DeletionDate: key.deletionAtMs / 1000,
    KeyState: "PendingDeletion",
    PendingWindowInDays,
  };
}

function getPublicKey(keys: KeyRing, input: Record<string, unknown>) {
  const { arn, material } = keys.usable(read(z.object({ KeyId }), input).KeyId);
  return {
    KeyId: arn,
    PublicKey: material.publicKey.export({ type: "spki", format: "der" }).toString("base64"),
    KeySpec: material.spec,
    CustomerMasterKeySpec: material.spec,
    KeyUsage: usage,
    SigningAlgorithms: [signingAlgorithm],
  };
}

function sign(keys: KeyRing, input: Record<string, unknown>) {
  const { KeyId: keyId, ...message } = read(Sign, input);
  const { arn, material } = keys.usable(keyId);
  refuseBadMessage(message);
  const signature = signatureOf(message.Message, { key: material.privateKey, isDigest: isDigest(message) });
  return { KeyId: arn, Signature: signature.toString("base64"), SigningAlgorithm: signingAlgorithm };
}

function verify(keys: KeyRing, input: Record<string, unknown>) {
  const { KeyId: keyId, Signature, ...message } = read(Verify, input);
  const { arn, material } = keys.usable(keyId);
  refuseBadMessage(message);
  const signature = Buffer.from(Signature, "base64");
  if (!verifies(message.Message, signature, { key: material.privateKey, isDigest: isDigest(message) })) {
    throw new AwsError(
      "KMSInvalidSignatureException",
      "The signature is not valid for this message and key.",
    );
  }
  return { KeyId: arn, SignatureValid: true, SigningAlgorithm: signingAlgorithm };
}

const isDigest = ({ MessageType }: { MessageType: string }): boolean => MessageType === "DIGEST";

function refuseBadMessage(message: { Message: Buffer; MessageType: string; SigningAlgorithm: string }): void {
  refuseAlgorithm(message.SigningAlgorithm, signingAlgorithm);
  if (isDigest(message) && message.Message.length !== digestBytes) {
    throw new AwsError("ValidationException", `Digest is invalid length for algorithm ${signingAlgorithm}.`);
  }
}

function refuseAlgorithm(asked: string, served: string): void {
  if (asked !== served) {
    throw new AwsError(
      "InvalidKeyUsageException",
      `Algorithm ${asked} is incompatible with this key's spec.`,
    );
  }
}

function read<T>(schema: z.ZodType<T>, input: Record<string, unknown>): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const field = parsed.error.issues[0]?.path.join(".") || "the request";
  throw new AwsError("ValidationException", `1 validation error detected: Value at '${field}' is not valid.`);
}
