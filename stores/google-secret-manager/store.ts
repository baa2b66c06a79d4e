import { createHash } from "node:crypto";
import { SecretUnusable, StoreUnavailable, VersionMoved } from "../../core/errors.ts";
import type { SecretStore, VersionId, VersionsInUse } from "../../core/ports.ts";
import type { Secret } from "../../core/secret.ts";
import { onlyVersions } from "../routed.ts";
import { capabilities } from "./capabilities.ts";
import { foundAfter, type GoogleSecret, type GoogleSecrets, withCurrent } from "./secrets.ts";

/**
 * The domain's store on aliases and annotations. Consumers read `current`. Google numbers the versions itself, so the id
 * that a writer chose stands in an annotation beside the number.
 */
export function storeOnAliases(secrets: GoogleSecrets): SecretStore {
  return { ...reading(secrets), ...changing(secrets, changeOf(secrets)), ...onlyVersions };
}

type Change = (reference: string, next: (seen: GoogleSecret) => GoogleSecret) => Promise<void>;

/** Applies `next` to the secret as it is at the change; what it throws or leaves unchanged writes nothing. */
function changeOf(secrets: GoogleSecrets): Change {
  return async (reference, next) => {
    for (let attempt = 1; attempt <= triesMax; attempt++) {
      const seen = await secrets.describe(reference);
      const changed = next(seen);
      if (JSON.stringify(changed) === JSON.stringify(seen)) return;
      if ((await secrets.update(reference, changed)) === "updated") return;
    }
    throw new StoreUnavailable(`${reference}: it is changed by others all the time`);
  };
}

function reading(
  secrets: GoogleSecrets,
): Pick<SecretStore, "capabilities" | "versionsInUse" | "current" | "read"> {
  const { describe } = secrets;
  return {
    capabilities: () => capabilities,
    versionsInUse: async (reference) => inUse(await describe(reference)),

    async current(reference) {
      const seen = await describe(reference);
      const number = seen.aliases["current"];
      if (number === undefined)
        throw new SecretUnusable(
          `${reference} has no alias "current": consumers are given the version that has it`,
        );
      return { versionId: idOf(number, seen), text: await secrets.access(reference, number) };
    },

    read: async (reference, versionId) => ({
      versionId,
      text: await secrets.access(reference, numberFor(versionId, await describe(reference), reference)),
    }),
  };
}

function changing(
  secrets: GoogleSecrets,
  change: Change,
): Omit<SecretStore, keyof ReturnType<typeof reading> | keyof typeof onlyVersions> {
  return {
    write: ({ secretArn, versionId, text }) =>
      write({ reference: secretArn, versionId, text }, { secrets, change }),

    async markPending({ secretArn, versionId }) {
      let isMine = true;
      await change(secretArn, (seen) => {
        const number = numberFor(versionId, seen, secretArn);
        const holder = seen.aliases["pending"];
        isMine = holder === undefined || holder === number;
        return isMine ? withAlias(seen, "pending", number) : seen;
      });
      return isMine ? "marked" : "heldElsewhere";
    },

    clearPending: ({ secretArn, versionId }) =>
      change(secretArn, (seen) => withoutAlias(seen, "pending", knownNumber(versionId, seen))),

    discard: ({ secretArn, versionId }) =>
      change(secretArn, (seen) => {
        const number = knownNumber(versionId, seen);
        return number === undefined ? seen : withoutMark(withoutAlias(seen, "pending", number), number);
      }),

    async promote({ secretArn, from, to }) {
      let outcome: "promoted" | "heldElsewhere" = "promoted";
      await change(secretArn, (seen) => {
        const number = numberFor(to, seen, secretArn);
        const current = seen.aliases["current"];
        outcome = "promoted";
        if (current === number) return seen;
        const isExpected = current !== undefined && idOf(current, seen) === from;
        if (!isExpected) {
          outcome = "heldElsewhere";
          return seen;
        }
        return withCurrent(seen, number);
      });
      return outcome;
    },

    async pin({ secretArn, versionId, from }) {
      let isMine = true;
      await change(secretArn, (seen) => {
        const number = numberFor(versionId, seen, secretArn);
        const holder = seen.aliases[pinAlias];
        const taken = from === undefined ? undefined : knownNumber(from, seen);
        isMine = holder === number || holder === taken;
        return isMine ? withAlias(seen, pinAlias, number) : seen;
      });
      return isMine ? "pinned" : "heldElsewhere";
    },

    unpin: ({ secretArn, versionId }) =>
      change(secretArn, (seen) => withoutAlias(seen, pinAlias, knownNumber(versionId, seen))),
  };
}

/** How often a change is tried again after somebody else's. */
const triesMax = 8;
const pinAlias = "rekey-retiring";
/** Of a version that Rekey wrote: its id, and behind it the mark while it has a use. */
const versionAnnotation = (number: number) => `rekey-version-${number}`;
/** What is being written: a repeat looks among the versions that came after for one with this text. */
const intentAnnotation = "rekey-writing";
const marked = " rekey";
/** Annotations hold 16 KiB in all; older versions that have no use are forgotten. */
const versionsMax = 40;

interface Writing {
  readonly reference: string;
  readonly versionId: VersionId;
  readonly text: Secret;
}

/**
 * Adding a version names no id and is no part of the etag, so what is about to be added is noted first. After a crash
 * or a lost answer the repeat finds the version by its text, and makes no second one.
 */
async function write(
  { reference, versionId, text }: Writing,
  tools: { readonly secrets: GoogleSecrets; readonly change: Change },
): Promise<void> {
  const { secrets, change } = tools;
  const known = knownNumber(versionId, await secrets.describe(reference));
  if (known !== undefined) {
    if ((await secrets.access(reference, known)).reveal() === text.reveal()) return;
    throw new VersionMoved(`${reference} already has another value as ${versionId}`);
  }
  const digest = createHash("sha256").update(text.reveal()).digest("hex");
  const [newest = 0] = await secrets.newerThan(reference, 0);
  let after = newest;
  await change(reference, (seen) => {
    const [id, noted, from] = (seen.annotations[intentAnnotation] ?? "").split(" ");
    const isRepeat = id === versionId && noted === digest;
    after = isRepeat ? Number(from) : newest;
    return isRepeat ? seen : withAnnotation(seen, intentAnnotation, `${versionId} ${digest} ${newest}`);
  });
  const number =
    (await foundAfter({ reference, after, text }, secrets)) ?? (await secrets.add(reference, text));
  await change(reference, (seen) => {
    if (knownNumber(versionId, seen) !== undefined) return seen;
    const { [intentAnnotation]: _done, ...annotations } = seen.annotations;
    return withVersion({ ...seen, annotations }, number, versionId);
  });
}

function inUse(seen: GoogleSecret): VersionsInUse {
  const { current, pending, previous, [pinAlias]: pinned } = seen.aliases;
  const staged = Object.entries(seen.annotations).flatMap(([name, value]) =>
    value.endsWith(marked) ? (numberOf(name) ?? []) : [],
  );
  const all = [current, pending, previous, pinned, ...staged].filter((number) => number !== undefined);
  const id = (number: number) => idOf(number, seen);
  return {
    ...(current !== undefined && { current: id(current) }),
    ...(pending !== undefined && {
      pending: {
        versionId: id(pending),
        byRekey: seen.annotations[versionAnnotation(pending)]?.endsWith(marked) === true,
      },
    }),
    ...(previous !== undefined && { previous: id(previous) }),
    ...(pinned !== undefined && { pinned: id(pinned) }),
    all: [...new Set(all)].map(id),
  };
}

/** One that somebody else made is called by its number, which Google never uses twice in one secret. */
function idOf(number: number, { annotations }: GoogleSecret): VersionId {
  return annotations[versionAnnotation(number)]?.replace(marked, "") ?? `gsm-${number}`;
}

function knownNumber(versionId: VersionId, seen: GoogleSecret): number | undefined {
  const foreign = /^gsm-(\d{1,15})$/.exec(versionId)?.[1];
  if (foreign !== undefined) return Number(foreign);
  const found = Object.entries(seen.annotations).find(
    ([name, value]) => numberOf(name) !== undefined && value.replace(marked, "") === versionId,
  );
  return found === undefined ? undefined : numberOf(found[0]);
}

function numberFor(versionId: VersionId, seen: GoogleSecret, reference: string): number {
  const number = knownNumber(versionId, seen);
  if (number === undefined) throw new SecretUnusable(`${reference} has no version ${versionId}`);
  return number;
}

function numberOf(annotation: string): number | undefined {
  const digits = /^rekey-version-(\d{1,15})$/.exec(annotation)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function withAlias(seen: GoogleSecret, name: string, number: number): GoogleSecret {
  return { ...seen, aliases: { ...seen.aliases, [name]: number } };
}

/** Taken off this version, and off no other. */
function withoutAlias(seen: GoogleSecret, name: string, number: number | undefined): GoogleSecret {
  if (number === undefined || seen.aliases[name] !== number) return seen;
  const { [name]: _gone, ...aliases } = seen.aliases;
  return { ...seen, aliases };
}

function withAnnotation(seen: GoogleSecret, name: string, value: string): GoogleSecret {
  return { ...seen, annotations: { ...seen.annotations, [name]: value } };
}

function withoutMark(seen: GoogleSecret, number: number): GoogleSecret {
  const name = versionAnnotation(number);
  const value = seen.annotations[name];
  return value === undefined ? seen : withAnnotation(seen, name, value.replace(marked, ""));
}

function withVersion(seen: GoogleSecret, number: number, versionId: VersionId): GoogleSecret {
  const used = new Set(Object.values(seen.aliases));
  const others = Object.entries(seen.annotations);
  const idle = others.filter(([name, value]) => {
    const each = numberOf(name);
    return each !== undefined && !used.has(each) && !value.endsWith(marked);
  });
  const oldest = idle.slice(0, Math.max(0, others.length + 1 - versionsMax)).map(([name]) => name);
  const kept = Object.fromEntries(others.filter(([name]) => !oldest.includes(name)));
  return withAnnotation({ ...seen, annotations: kept }, versionAnnotation(number), `${versionId}${marked}`);
}
