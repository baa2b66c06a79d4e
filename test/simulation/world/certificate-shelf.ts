import { createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { certificates } from "../../../audit/certificates.ts";
import { auditLog } from "../../../audit/chain.ts";
import type { Clock, Table } from "../../../core/ports.ts";
import type { CertificateDeps } from "../../../functions/deps.ts";
import { nodeDigest } from "../../../functions/wiring/base.ts";
import type { Through } from "./surroundings.ts";

/** One for all worlds: making a key takes longer than a short run. */
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** What whoever verifies a certificate of a world is given. */
export const certificateKey = createPublicKey(publicKey.export({ type: "spki", format: "pem" }));

/** The key that signs certificates, and the bucket in which the first of each name stays. */
export class CertificateShelf {
  readonly files = new Map<string, string>();

  depsOf({
    through,
    table,
    clock,
  }: {
    readonly through: Through;
    readonly table: Table;
    readonly clock: Clock;
  }): CertificateDeps {
    const signer = through("signer", this.#signer, { sign: false, publicKey: false });
    const shelf = through("shelf", this.#shelf, { read: false, write: true });
    const log = auditLog({ table, digest: nodeDigest, now: clock.nowMs });
    return { ...certificates({ signer, shelf }), log };
  }

  readonly #signer = {
    publicKey: async () => publicKey.export({ type: "spki", format: "der" }),
    sign: async (bytes: Uint8Array) => ({
      signature: sign("sha256", bytes, privateKey).toString("base64"),
      keyId: "FAKE",
    }),
  };

  readonly #shelf = {
    read: async (name: string) => this.files.get(name),
    write: async (name: string, text: string) => {
      if (!this.files.has(name)) this.files.set(name, text);
    },
  };
}
