import { generateKeyPairSync } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import * as z from "zod";
import type { AuditLog } from "../../audit/chain.ts";
import { deploymentChain } from "../../audit/chain.ts";
import { type AuditEntry, auditEntry } from "../../audit/entry.ts";
import { together } from "../../consumers/together.ts";
import { InputInvalid } from "../../core/errors.ts";
import { jsonOrNothing } from "../../core/json.ts";
import type { Policy } from "../../core/policy.ts";
import type { SecretRecord } from "../../core/rotation/secret-record.ts";
import type { StopOrder } from "../../core/rotation/stop-order.ts";
import type { FingerprintEntry, KeyHistory } from "../../ledger/entries.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { KitDeps } from "../deps.ts";
import { aliasOfKeyId } from "../key-index/identify-key.ts";

const atOnceMax = 8;
/** Ten thousand secrets fit; a file that claims more is not ours. */
const contentBytesMax = 256 * 1024 * 1024;
const format = "rekey-kit/1";

const object = <Type>() => z.custom<Type>((value) => typeof value === "object" && value !== null);

const contents = z.strictObject({
  format: z.literal(format),
  kitId: z.string().regex(/^[\w-]{1,80}$/),
  environment: z.string().min(1).max(64),
  exportedAtMs: z.int().nonnegative(),
  /** Hosts, beside each provider's own, that the deployment lets credentials and keys be sent to. */
  providerHosts: z.array(z.string().max(300)),
  allowLoopback: z.boolean(),
  policies: z.array(object<Policy>()),
  secrets: z.array(object<SecretRecord>()),
  keys: z.array(object<KeyHistory>()),
  /** What finds a key by its fingerprint. */
  holders: z.array(object<FingerprintEntry>()),
  stops: z.array(object<StopOrder>()),
  /** The newest entry of each audit log: what is done with the kit goes on from there. */
  heads: z.array(auditEntry),
  /** By ARN, the admin credentials: the one plaintext, and why two people have to open the kit. */
  credentials: z.record(z.string(), z.string()),
  /** PKCS 8 in base64. Who signs with it has opened this kit. */
  signingKey: z.string(),
});

/** All that containing a key needs: no key that consumers use is in it, only what ends keys. */
export type KitContents = Readonly<z.infer<typeof contents>>;

export interface KitSource {
  readonly ledger: Pick<Ledger, "policies" | "secret" | "keys" | "holders" | "stops">;
  readonly adminCredentials: KitDeps["adminCredentials"];
  readonly audit: Pick<AuditLog, "newest">;
}

/** What changes seldom: it decides whether a new kit is needed. */
export type Gathered = Omit<KitContents, "format" | "kitId" | "exportedAtMs" | "signingKey">;

export async function gatherKit(
  deployment: Pick<KitContents, "environment" | "providerHosts" | "allowLoopback">,
  { ledger, adminCredentials, audit }: KitSource,
): Promise<Gathered> {
  const [policies, stops] = await Promise.all([ledger.policies(), ledger.stops()]);
  const each = await together(policies, {
    atOnceMax,
    work: async ({ secretArn }) => {
      const [record, history] = await Promise.all([ledger.secret(secretArn), ledger.keys(secretArn)]);
      const names = [...record.keys, ...history].flatMap(({ fingerprint, keyId }) => [
        ...(fingerprint === undefined ? [] : [fingerprint]),
        ...(keyId === undefined ? [] : [aliasOfKeyId(keyId)]),
      ]);
      const holders: FingerprintEntry[] = [];
      for (const name of new Set(names)) holders.push(...(await ledger.holders(name)));
      return { record, history, holders, head: await audit.newest(secretArn) };
    },
  });
  const named = policies.flatMap(({ provider }) => provider.adminCredential ?? []);
  const arns = [...new Set(named)];
  const texts = await together(arns, {
    atOnceMax,
    work: async (arn) => [arn, (await adminCredentials.read(arn)).reveal()] as const,
  });
  const own = await audit.newest(deploymentChain);
  const heads: AuditEntry[] = [own, ...each.map(({ head }) => head)].filter((head) => head !== undefined);
  return {
    ...deployment,
    policies: [...policies],
    secrets: each.map(({ record }) => record),
    keys: each.flatMap(({ history }) => history),
    holders: each.flatMap(({ holders }) => holders),
    stops: [...stops],
    heads,
    credentials: Object.fromEntries(texts),
  };
}

/** The same for two kits that would let people do the same: how far a run or a log has come makes no difference. */
export function sameness({ policies, secrets, stops, credentials, providerHosts }: Gathered): string {
  const keysOf = secrets.map(({ secretArn, keys, hold, frozen }) => ({ secretArn, keys, hold, frozen }));
  return JSON.stringify({ policies, keysOf, stops, credentials, providerHosts });
}

export interface NewKit {
  readonly bytes: Uint8Array;
  /** SPKI in base64: the ledger keeps it, and nothing else of the pair. */
  readonly publicKey: string;
}

export function packKit(gathered: Gathered, named: Pick<KitContents, "kitId" | "exportedAtMs">): NewKit {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519", {
    privateKeyEncoding: { type: "pkcs8", format: "der" },
    publicKeyEncoding: { type: "spki", format: "der" },
  });
  const whole: KitContents = { format, ...named, ...gathered, signingKey: privateKey.toString("base64") };
  return { bytes: gzipSync(JSON.stringify(whole)), publicKey: publicKey.toString("base64") };
}

/** Throws InputInvalid without quoting anything: what is wrong may stand beside a credential. */
export function unpackKit(bytes: Uint8Array): KitContents {
  let text: string;
  try {
    text = gunzipSync(bytes, { maxOutputLength: contentBytesMax }).toString("utf8");
  } catch {
    throw new InputInvalid("what is inside is no kit of Rekey");
  }
  const parsed = contents.safeParse(jsonOrNothing(text));
  if (parsed.success) return parsed.data;
  throw new InputInvalid("this kit is of another version of Rekey, or is no kit");
}
