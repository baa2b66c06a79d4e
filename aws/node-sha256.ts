import { createHash, createHmac, type Hash, type Hmac } from "node:crypto";
import type { SignatureV4 } from "@smithy/signature-v4";

type SignatureV4Init = ConstructorParameters<typeof SignatureV4>[0];
type HashConstructor = NonNullable<SignatureV4Init["sha256"]>;
type HashData = Parameters<InstanceType<HashConstructor>["update"]>[0];

/** The interface that the signer needs, on Node's own SHA-256. */
export class NodeSha256 {
  #hash: Hash | Hmac;
  readonly #key: Uint8Array | undefined;

  constructor(key?: HashData) {
    this.#key = key === undefined ? undefined : bytesOf(key);
    this.#hash = this.#fresh();
  }

  update(data: HashData): void {
    this.#hash.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#hash.digest());
  }

  reset(): void {
    this.#hash = this.#fresh();
  }

  #fresh(): Hash | Hmac {
    return this.#key === undefined ? createHash("sha256") : createHmac("sha256", this.#key);
  }
}

function bytesOf(data: HashData): Uint8Array {
  if (typeof data === "string") return Buffer.from(data, "utf8");
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
