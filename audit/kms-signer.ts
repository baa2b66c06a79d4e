import { createHash } from "node:crypto";
import { GetPublicKeyCommand, type KMSClient, SignCommand, VerifyCommand } from "@aws-sdk/client-kms";
import type { Signer } from "./checkpoint.ts";
import { isNamed, refusalOf } from "./refusals.ts";

const algorithm = "ECDSA_SHA_256";

export interface KmsSignerOptions {
  /** The ARN or alias of an asymmetric key for signing, ECC_NIST_P256. */
  readonly keyId: string;
  /** The ARNs of the keys that signed before this one. Their checkpoints are still valid. */
  readonly retiredKeyArns?: readonly string[];
}

export interface KmsSigner extends Signer {
  /** DER (SPKI). */
  publicKey(): Promise<Uint8Array>;
}

/** Checkpoints and certificates are signed inside KMS, so nobody has the private key. */
export function kmsSigner(client: Pick<KMSClient, "send">, options: KmsSignerOptions): KmsSigner {
  const { retiredKeyArns = [] } = options;

  return {
    async sign(bytes) {
      const command = new SignCommand({
        KeyId: options.keyId,
        // A message may have 4,096 bytes, and a certificate has more. The signature is the same either way.
        Message: digestOf(bytes),
        MessageType: "DIGEST",
        SigningAlgorithm: algorithm,
      });
      try {
        const { Signature = new Uint8Array(), KeyId = options.keyId } = await client.send(command);
        return { signature: Buffer.from(Signature).toString("base64"), keyId: KeyId };
      } catch (error) {
        throw refusalOf(error, { place: options.keyId, operation: "kms:Sign" });
      }
    },

    async publicKey() {
      try {
        const { PublicKey = new Uint8Array() } = await client.send(
          new GetPublicKeyCommand({ KeyId: options.keyId }),
        );
        return PublicKey;
      } catch (error) {
        throw refusalOf(error, { place: options.keyId, operation: "kms:GetPublicKey" });
      }
    },

    async verify({ bytes, signature, keyId }) {
      // Only keys from our own settings are used: a forger's key would confirm its own signature.
      const trusted = retiredKeyArns.includes(keyId) ? keyId : options.keyId;
      const command = new VerifyCommand({
        KeyId: trusted,
        Message: digestOf(bytes),
        MessageType: "DIGEST",
        Signature: Buffer.from(signature, "base64"),
        SigningAlgorithm: algorithm,
      });
      try {
        return (await client.send(command)).SignatureValid === true;
      } catch (error) {
        if (isNamed(error, "KMSInvalidSignatureException")) return false;
        throw refusalOf(error, { place: trusted, operation: "kms:Verify" });
      }
    },
  };
}

function digestOf(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}
