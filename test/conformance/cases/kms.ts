import assert from "node:assert/strict";
import { createHash, createPublicKey, verify } from "node:crypto";
import {
  CreateKeyCommand,
  GenerateMacCommand,
  GetPublicKeyCommand,
  ScheduleKeyDeletionCommand,
  SignCommand,
  type SignCommandInput,
  VerifyCommand,
  VerifyMacCommand,
} from "@aws-sdk/client-kms";
import type { Clients, ConformanceCase, Scratch } from "../case.ts";
import { refused } from "../refused.ts";

const message = Buffer.from("checkpoint 7");
const digest = createHash("sha256").update(message).digest();
const MacAlgorithm = "HMAC_SHA_256";

async function newKey({ kms }: Clients, scratch: Scratch, kind: "sign" | "mac"): Promise<string> {
  const spec = { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" } as const;
  const mac = { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" } as const;
  const { KeyMetadata } = await kms.send(new CreateKeyCommand(kind === "sign" ? spec : mac));
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
      const KeyId = await newKey(clients, scratch, "sign");
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
      const KeyId = await newKey(clients, scratch, "sign");
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
      const KeyId = await newKey(clients, scratch, "sign");
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
      const KeyId = await newKey(clients, scratch, "sign");
      const short = new SignCommand({ ...signing(KeyId, "DIGEST"), Message: digest.subarray(1) });
      await refused(clients.kms.send(short), "ValidationException");
    },
  },
  {
    service: "kms",
    name: "a MAC is the same for the same message and verifies; another one is KMSInvalidMacException",
    async run(clients, scratch) {
      const KeyId = await newKey(clients, scratch, "mac");
      const generate = () =>
        clients.kms.send(new GenerateMacCommand({ KeyId, Message: message, MacAlgorithm }));
      const [{ Mac }, again] = [await generate(), await generate()];
      assert.deepEqual(again.Mac, Mac);
      const valid = await clients.kms.send(
        new VerifyMacCommand({ KeyId, Message: message, MacAlgorithm, Mac }),
      );
      assert.equal(valid.MacValid, true);
      const other = new VerifyMacCommand({ KeyId, Message: digest, MacAlgorithm, Mac });
      await refused(clients.kms.send(other), "KMSInvalidMacException");
    },
  },
  {
    service: "kms",
    name: "a key serves only its own usage, and an unknown key is NotFoundException",
    async run(clients, scratch) {
      const signer = await newKey(clients, scratch, "sign");
      const macKey = await newKey(clients, scratch, "mac");
      const mac = new GenerateMacCommand({ KeyId: signer, Message: message, MacAlgorithm });
      await refused(clients.kms.send(mac), "InvalidKeyUsageException");
      const sign = new SignCommand(signing(macKey, "RAW"));
      await refused(clients.kms.send(sign), "InvalidKeyUsageException", "ValidationException");
      const missing = new SignCommand(signing("1234abcd-12ab-34cd-56ef-1234567890ab", "RAW"));
      await refused(clients.kms.send(missing), "NotFoundException");
    },
  },
];
