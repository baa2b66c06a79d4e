import type { KeyVersion } from "./consumer-report.ts";
import { isPassing, KeyUnreadable } from "./errors.ts";
import { createFlight } from "./flight.ts";
import type { Settings } from "./options.ts";
import { keepSigner } from "./proof.ts";
import { sha256 } from "./sigv4.ts";
import type { Calls, Reading } from "./transport.ts";

export interface Extent {
  /** A secret's full ARN (its Region is used), or its name. */
  secret: string;
  /** The field of a JSON value that is the key; without it the whole value is. */
  field?: string | undefined;
}

export type Stages = Calls["secretsmanager.DescribeSecret"]["answer"]["VersionIdsToStages"];

export interface News {
  /** Called when another version is held than `before`. Its `versionId` is empty the first time. */
  changed(before: KeyVersion): void;
  described(stages: Stages): void;
}

/** A role that may not call DescribeSecret tries it again after this time. */
const describeAgainMs = 60 * 60_000;

/** One value, kept up to date with Secrets Manager. */
export function createCache(settings: Settings, extent: Extent, news: News) {
  const { clock, now, refreshEveryMs, maxStaleMs, log } = settings;
  let text = "";
  let version: KeyVersion = { arn: extent.secret, versionId: "", fingerprint: "" };
  let confirmedAt = -Infinity;
  let [freshUntilMs, describeAt] = [0, 0];
  let isUsed = false;
  /** After a failure each use checks the real age, and a value that is too old is forgotten. */
  const failed = (): void => {
    freshUntilMs = 0;
    if (text && now() - confirmedAt > maxStaleMs) log("evicted", extent.secret, version.versionId);
    if (now() - confirmedAt > maxStaleMs) text = "";
  };
  const { join, ask, ...flight } = createFlight(settings, { SecretId: extent.secret, failed });
  /** The age counts from the request. An answer to an older request than the last answered one is dropped. */
  const confirm = (askedAt: number): boolean => {
    if (askedAt < confirmedAt) return false;
    confirmedAt = askedAt;
    isUsed = false;
    freshUntilMs = clock.wallMs() + refreshEveryMs - now() + askedAt;
    return true;
  };

  const take = async (signal: AbortSignal): Promise<void> => {
    const [reading, askedAt] = await ask("secretsmanager.GetSecretValue", signal);
    const keyText = keyIn(reading, extent);
    if (!confirm(askedAt)) return;
    const before = version;
    text = keyText;
    version = versionOf(reading, keyText);
    if (before.versionId !== version.versionId) news.changed(before);
  };

  /** Also false if the value was forgotten, or if this role may not describe: then GetSecretValue has to answer. */
  const isStillCurrent = async (signal: AbortSignal): Promise<boolean> => {
    if (!text || now() < describeAt) return false;
    const described = await ask("secretsmanager.DescribeSecret", signal).catch((error) => {
      if (isPassing(error)) throw error;
      describeAt = now() + describeAgainMs;
    });
    const stages = described?.[0].VersionIdsToStages;
    news.described(stages);
    return !!stages?.[version.versionId]?.includes("AWSCURRENT") && confirm(described?.[1] ?? 0);
  };

  return {
    ...flight,
    ageMs: () => now() - confirmedAt,
    version: () => version,
    text(): string {
      isUsed = true;
      return text;
    },
    /** Whether the text was used since it was last confirmed. */
    wasUsed: () => isUsed,
    /** By the wall clock, which a frozen Lambda does not stop. The timed check notices one that was set back. */
    isFresh: () => clock.wallMs() < freshUntilMs,
    /** For a caller who needs the value: exactly one GetSecretValue call. */
    read: () => join(take),
    /** For the background: DescribeSecret, which decrypts nothing and shows whether a rotation is open. */
    check: () => join(async (signal) => (await isStillCurrent(signal)) || take(signal)),
    isClosed: () => confirmedAt === Infinity,
    /** Final: an answer that arrives later is dropped too. */
    close(): void {
      text = "";
      confirmedAt = Infinity;
      freshUntilMs = 0;
    },
  };
}

export type Cache = ReturnType<typeof createCache>;

/** Together with what signs reports about it. */
function versionOf({ ARN, VersionId }: Reading, keyText: string): KeyVersion {
  const version = { arn: ARN, versionId: VersionId, fingerprint: `sha256:${sha256(keyText)}` };
  keepSigner(version, keyText);
  return version;
}

/** The parser's error message quotes what it could not read, so it is dropped. */
function keyIn({ SecretString }: Reading, { secret, field }: Extent): string {
  let value: unknown;
  try {
    const text = `${SecretString ?? ""}`.trim();
    value = field ? new Map(Object.entries(JSON.parse(text))).get(field) : text;
  } catch {
    // Reported below, together with every other unreadable value.
  }
  // Without a line end or a byte order mark around it, as Rekey fingerprints it.
  if (typeof value === "string" && value.trim()) return value.trim();
  const where = field ? `field ${field}, or the value is no JSON` : "its value: is it binary, or empty?";
  throw new KeyUnreadable(`${secret} was read, but there is no text in ${where}`);
}
