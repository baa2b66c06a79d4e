import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { RotationError, SecretUnusable, StoreUnavailable } from "../../core/errors.ts";
import type { Clock, SecretArn, SecretStore } from "../../core/ports.ts";
import type { Secret } from "../../core/secret.ts";
import { AcknowledgementSchema, acknowledgementType } from "../../events/acknowledgement.ts";
import { compromiseEvent, compromiseSource } from "../../events/compromise.ts";
import type { Http } from "../../providers/http.ts";
import type { AdminCredential } from "../../providers/provider.ts";
import { keyIn } from "../../stores/value.ts";
import type { AlertBus, PointedAlerts, SigningSecrets } from "../deps.ts";
import { putEntries } from "./event-bridge.ts";

const cachedMs = 60_000;
/** Somebody who sends wrong signatures can make us read the secret at most this often. */
const rereadAfterMs = 5_000;

/** A sender waits some 10 s and does not repeat by itself, so an answer in time matters more than a complete one. */
const signingReadMs = 4_000;

interface Cached {
  readonly secrets: Promise<readonly Secret[]>;
  readonly readAtMs: number;
}

/** The intake's own secrets, each in the store under the source's name; the whole value is the key. */
export function signingSecrets(
  secretArns: Readonly<Record<string, SecretArn>>,
  { store, clock }: { readonly store: Pick<SecretStore, "versionsInUse" | "read">; readonly clock: Clock },
): SigningSecrets {
  const cache = new Map<string, Cached>();

  const readWithin = (source: string, maxAgeMs: number): Promise<readonly Secret[]> => {
    const secretArn = Object.hasOwn(secretArns, source) ? secretArns[source] : undefined;
    if (secretArn === undefined) return Promise.resolve([]);
    const nowMs = clock.nowMs();
    const cached = cache.get(source);
    if (cached !== undefined && nowMs - cached.readAtMs < maxAgeMs) return cached.secrets;
    const secrets = within(signingReadMs, readVersions(store, secretArn)).catch((error: unknown) => {
      cache.delete(source);
      throw error;
    });
    cache.set(source, { secrets, readAtMs: nowMs });
    return secrets;
  };
  return {
    of: (source) => readWithin(source, cachedMs),
    afresh: (source) => readWithin(source, rereadAfterMs),
  };
}

/** While a signing secret rotates, a sender may have any of the three; one that the store no longer names has ended. */
async function readVersions(
  store: Pick<SecretStore, "versionsInUse" | "read">,
  secretArn: SecretArn,
): Promise<readonly Secret[]> {
  const { current, pending, previous } = await store.versionsInUse(secretArn);
  const currentFirst = [current, pending?.versionId, previous].filter((one) => one !== undefined);
  const read = await Promise.all(
    [...new Set(currentFirst)].map((versionId) => readOne(store, { secretArn, versionId })),
  );
  return read.filter((secret) => secret !== undefined);
}

/** A pending version may have no value yet. The other versions are valid all the same. */
async function readOne(
  store: Pick<SecretStore, "read">,
  { secretArn, versionId }: { readonly secretArn: SecretArn; readonly versionId: string },
): Promise<Secret | undefined> {
  try {
    return keyIn((await store.read(secretArn, versionId)).text);
  } catch (error) {
    if (error instanceof SecretUnusable) return undefined;
    throw error;
  }
}

const refusalWindowMs = 60_000;

/**
 * The first refusal of a kind in a minute is written with the number of those since the last one that was: strangers
 * must neither fill the audit log nor keep it busy. Every refusal is in the function's log anyway.
 */
export function refusalCounts(clock: Pick<Clock, "nowMs">): (kind: string) => number | undefined {
  const kinds = new Map<string, { writtenAtMs: number; unwritten: number }>();
  return (kind) => {
    const nowMs = clock.nowMs();
    const counted = kinds.get(kind) ?? { writtenAtMs: Number.NEGATIVE_INFINITY, unwritten: 0 };
    kinds.set(kind, counted);
    counted.unwritten += 1;
    if (nowMs - counted.writtenAtMs < refusalWindowMs) return undefined;
    const refusals = counted.unwritten;
    Object.assign(counted, { writtenAtMs: nowMs, unwritten: 0 });
    return refusals;
  };
}

/** PutEvents takes ten entries and 1 MB. */
const entriesMax = 10;
const atOnceMax = 4;

/** The bus that only the intake's role may put events on. */
export function alertBus(client: Pick<EventBridgeClient, "send">, busName: string): AlertBus {
  return {
    async publishAck(ack) {
      const Detail = JSON.stringify(AcknowledgementSchema.parse(ack));
      await putEntries(client, busName, [
        { Source: compromiseSource, DetailType: acknowledgementType, Detail },
      ]);
    },
    async publish(alerts) {
      const entries = alerts.map(compromiseEvent);
      const batches = Array.from({ length: Math.ceil(entries.length / entriesMax) }, (_, index) =>
        entries.slice(index * entriesMax, (index + 1) * entriesMax),
      );
      for (let next = 0; next < batches.length; next += atOnceMax) {
        await Promise.all(
          batches.slice(next, next + atOnceMax).map((batch) => putEntries(client, busName, batch)),
        );
      }
    },
  };
}

/** An answer must take less than 2 s: this is the share of GitHub's part, including the read of its token. */
const readTimeoutMs = 1_000;

/** Any awaited call may hang, whether or not it has a time limit of its own. */
async function within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new StoreUnavailable(`nothing came within ${ms} ms`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Reads alerts at GitHub. If anything fails, the alert that was pushed is used without the details. */
export function githubAlerts(options: {
  readonly http: Http;
  readonly token: AdminCredential | undefined;
  readonly apiBases: readonly string[];
}): PointedAlerts {
  const { http, token, apiBases } = options;
  const readWith = async (credential: AdminCredential, url: string) => {
    const headers = {
      authorization: `Bearer ${(await credential.get()).reveal().trim()}`,
      accept: "application/vnd.github+json",
      "x-github-api-version": "2022-11-28",
      "user-agent": "rekey",
    };
    const reply = await http.send({ method: "GET", url, headers, timeoutMs: readTimeoutMs });
    if (reply.status === 401 || reply.status === 403) credential.refused();
    return reply.status === 200 ? Buffer.from(JSON.stringify(reply.json ?? null)) : undefined;
  };
  return {
    apiBases,
    async read(url) {
      if (token === undefined) return undefined;
      try {
        return await within(readTimeoutMs, readWith(token, url));
      } catch (error) {
        if (!(error instanceof RotationError)) throw error;
        // After a time-out the token is read again, so that the next alert does not wait for the same call.
        token.refused();
        return undefined;
      }
    },
  };
}
