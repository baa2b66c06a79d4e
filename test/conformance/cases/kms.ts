import assert from "node:assert/strict";
import { createHash, createPublicKey, verify } from "node:crypto";
import {
  CreateKeyCommand,
  GetPublicKeyCommand,
  ScheduleKeyDeletionCommand,
  SignCommand,
  type SignCommandInput,
  VerifyCommand,
} from "@aws-sdk/client-kms";
import type { Clients, ConformanceCase, Scratch } from "../case.ts";
import { refused } from "../refused.ts";

const message = Buffer.from("checkpoint 7");
const digest = createHash("sha256").update(message).digest();

async function newKey({ kms }: Clients, scratch: Scratch): Promise<string> {
  const spec = { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" } as const;
  const { KeyMetadata } = await kms.send(new CreateKeyCommand(spec));
  const KeyId = KeyMetadata?.Arn ?? "";
  scratch.cleanUp(() => kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 })));
  return KeyId;
}

const signing = (KeyId: string, kind: "RAW" | "DIGEST"): SignCommandInput => ({
  KeyId,
  MessageType: kind,
  Message: kind === "RAW" ? message : digest,
  SigningAlgorithm: "ECDSA_SHA_256",
});

export const kmsCases: readonly ConformanceCase[] = [
  {
    service: "kms",
    name: "a signature over a message, or over its digest, verifies outside with the public key",
    async run(clients, scratch) {
      const KeyId = await newKey(clients, scratch);
      const { PublicKey, KeySpec } = await clients.kms.send(new GetPublicKeyCommand({ KeyId }));
      assert.equal(KeySpec, "ECC_NIST_P256");
      const key = createPublicKey({ key: Buffer.from(PublicKey ?? []), type: "spki", format: "der" });
      for (const kind of ["RAW", "DIGEST"] as const) {
        const { Signature = new Uint8Array() } = await clients.kms.send(
          new SignCommand(signing(KeyId, kind)),
        );
        assert.ok(verify("sha256", message, key, Signature), kind);
      }
    },
  },
  {
    service: "kms",
    name: "Verify accepts a signature made over the message when given the digest, and the other way round",
    async run(clients, scratch) {
      const KeyId = await newKey(clients, scratch);
      for (const [made, checked] of [
        ["RAW", "DIGEST"],
        ["DIGEST", "RAW"],
      ] as const) {
        const { Signature } = await clients.kms.send(new SignCommand(signing(KeyId, made)));
        const answer = await clients.kms.send(new VerifyCommand({ ...signing(KeyId, checked), Signature }));
        assert.equal(answer.SignatureValid, true);
      }
    },
  },
  {
    service: "kms",
    name: "a signature for something else is KMSInvalidSignatureException, not a false answer",
    async run(clients, scratch) {
      const KeyId = await newKey(clients, scratch);
      const { Signature } = await clients.kms.send(new SignCommand(signing(KeyId, "RAW")));
      const other = { KeyId, Signature, SigningAlgorithm: "ECDSA_SHA_256" } as const;
      const tampered = new VerifyCommand({ ...other, Message: Buffer.from("checkpoint 8") });
      await refused(clients.kms.send(tampered), "KMSInvalidSignatureException");
      const otherDigest = createHash("sha256").update("checkpoint 8").digest();
      const tamperedDigest = new VerifyCommand({ ...other, Message: otherDigest, MessageType: "DIGEST" });
      await refused(clients.kms.send(tamperedDigest), "KMSInvalidSignatureException");
    },
  },
  {
    service: "kms",
    name: "a digest of the wrong length is refused",
    async run(clients, scratch) {
      const KeyId = await newKey(clients, scratch);
      const short = new SignCommand({ ...signing(KeyId, "DIGEST"), Message: digest.subarray(1) });
      await refused(clients.kms.send(short), "ValidationException");
    },
  },
  {
    service: "kms",
    name: "an unknown key is NotFoundException",
    async run(clients) {
      const missing = new SignCommand(signing("1234abcd-12ab-34cd-56ef-1234567890ab", "RAW"));
      await refused(clients.kms.send(missing), "NotFoundException");
    },
  },
];
