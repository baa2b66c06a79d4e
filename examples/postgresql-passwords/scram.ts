import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto";

const iterationsMin = 4_096;
/** A server that asks for more would keep the function computing. */
const iterationsMax = 1_000_000;

const hmac = (key: Buffer, text: string) => createHmac("sha256", key).update(text).digest();
const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest();

/**
 * What PostgreSQL stores of a password. Sent in the password's place, so that the password itself stands in no
 * statement that the server may log.
 */
export function verifierOf(password: string, salt = randomBytes(16)): string {
  const salted = pbkdf2Sync(password, salt, iterationsMin, 32, "sha256");
  const stored = sha256(hmac(salted, "Client Key")).toString("base64");
  const server = hmac(salted, "Server Key").toString("base64");
  return `SCRAM-SHA-256$${iterationsMin}:${salt.toString("base64")}$${stored}:${server}`;
}

/** The client's half of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding. */
export function scram(password: string, nonce = randomBytes(18).toString("base64")) {
  const firstBare = `n=,r=${nonce}`;
  let expected = Buffer.alloc(0);
  return {
    first: `n,,${firstBare}`,
    answer(challenge: string): string {
      const field = fieldsOf(challenge);
      const [salt, iterations, together] = [field("s"), Number(field("i")), field("r")];
      if (!together.startsWith(nonce) || together === nonce)
        throw new Error("the server's nonce is not ours");
      if (!(iterations >= iterationsMin && iterations <= iterationsMax))
        throw new Error("unusual iterations");
      const salted = pbkdf2Sync(password, Buffer.from(salt, "base64"), iterations, 32, "sha256");
      const clientKey = hmac(salted, "Client Key");
      const withoutProof = `c=biws,r=${together}`;
      const signed = `${firstBare},${challenge},${withoutProof}`;
      expected = hmac(hmac(salted, "Server Key"), signed);
      const signature = hmac(sha256(clientKey), signed);
      const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0)));
      return `${withoutProof},p=${proof.toString("base64")}`;
    },
    /** Throws where the server does not know the password: it is not the one that it seems to be. */
    check(last: string): void {
      const said = Buffer.from(fieldsOf(last)("v"), "base64");
      if (expected.length === 0 || said.length !== expected.length || !timingSafeEqual(said, expected))
        throw new Error("the server did not prove that it knows the password");
    },
  };
}

function fieldsOf(text: string) {
  const fields = new Map(text.split(",").map((part) => [part.slice(0, 1), part.slice(2)]));
  return (name: string) => fields.get(name) ?? "";
}
