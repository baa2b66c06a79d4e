import { SecretUnusable, VersionMoved } from "../../core/errors.ts";
import type { SecretStore, VersionId, VersionsInUse } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { onlyVersions } from "../routed.ts";
import { withKey } from "../value.ts";
import { capabilities } from "./capabilities.ts";
import {
  type Document,
  promotedAs,
  versionIn,
  withoutPending,
  withoutPin,
  withoutUse,
  withVersion,
} from "./document.ts";
import { digestOf, type Kv, type KvPlace, type KvVersion, placeOf } from "./kv.ts";
import { numberedId, numberIn } from "./version-id.ts";

/** Everything that is known of one secret, from one look at it and one at the document. */
interface Look {
  readonly place: KvPlace;
  readonly document: Document;
  readonly newest: (KvVersion & { readonly id: VersionId; readonly text: Secret }) | undefined;
}

/** The domain's store on KV v2. Consumers read the newest version of the path; all else is in the document. */
export function storeOnKv(kv: Kv, staging: string): SecretStore {
  const at = (reference: string) => placeOf(reference, staging);
  const look = (reference: string) => lookAt(at(reference), kv);
  const change = async (reference: string, next: (document: Document) => Document): Promise<void> => {
    await kv.document(at(reference)).change(next);
  };

  return {
    ...{ ...onlyVersions, capabilities: () => capabilities },
    versionsInUse: async (reference) => inUse(await look(reference)),

    async current(reference) {
      const { newest } = await look(reference);
      if (newest === undefined) throw new SecretUnusable(`${reference} has no value`);
      return { versionId: newest.id, text: newest.text };
    },

    read: async (reference, versionId) => ({
      versionId,
      text: await textOf(await look(reference), versionId, kv),
    }),

    async write({ secretArn, versionId, text }) {
      await look(secretArn);
      const digest = digestOf(text);
      await change(secretArn, (document) => {
        const known = versionIn(document, versionId);
        if (known === undefined)
          return withVersion(document, { id: versionId, digest, text: text.reveal(), byRekey: true });
        if (known.digest === digest) return document;
        throw new VersionMoved(`${secretArn} already has another value as ${versionId}`);
      });
    },

    async markPending({ secretArn, versionId }) {
      const seen = await look(secretArn);
      await textOf(seen, versionId, kv);
      let isMine = true;
      await change(secretArn, (document) => {
        isMine = document.pending === undefined || document.pending === versionId;
        return isMine ? { ...document, pending: versionId } : document;
      });
      return isMine ? "marked" : "heldElsewhere";
    },

    clearPending: ({ secretArn, versionId }) =>
      change(secretArn, (document) => withoutPending(document, versionId)),

    async discard({ secretArn, versionId }) {
      await look(secretArn);
      await change(secretArn, (document) => withoutUse(document, versionId));
    },

    promote: ({ secretArn, from, to }) => promote({ place: at(secretArn), from, to }, kv),

    async pin({ secretArn, versionId, from }) {
      const seen = await look(secretArn);
      const text = (await textOf(seen, versionId, kv)).reveal();
      let isMine = true;
      await change(secretArn, (document) => {
        const holder = document.pinned?.id;
        isMine = holder === versionId || holder === from;
        return isMine ? { ...document, pinned: { id: versionId, text } } : document;
      });
      return isMine ? "pinned" : "heldElsewhere";
    },

    unpin: ({ secretArn, versionId }) => change(secretArn, (document) => withoutPin(document, versionId)),
  };
}

async function lookAt(place: KvPlace, kv: Kv): Promise<Look> {
  const { reference, path } = place;
  const found = await kv.read({ place, path });
  const { document } = await kv.document(place).load();
  if (found !== undefined && !("deletedAt" in found)) {
    const text = textIn(found, place);
    return { place, document, newest: { ...found, text, id: idOf({ ...found, text }, document) } };
  }
  if (found === undefined && !(await kv.isThere(place)))
    throw new SecretUnusable(`${reference} does not exist`);
  return { place, document, newest: undefined };
}

function textIn({ fields }: KvVersion, { reference, field }: KvPlace): Secret {
  const value = (JSON.parse(fields) as Record<string, unknown>)[field];
  if (typeof value === "string") return new Secret(value);
  throw new SecretUnusable(`${reference}: the secret has no text in the field ${field}`);
}

/**
 * By the number that a promotion noted; or by the text, where a promotion wrote it and ended before it could note the
 * number. Any other version was written by somebody else.
 */
function idOf(version: KvVersion & { readonly text: Secret }, document: Document): VersionId {
  const { number, text } = version;
  const noted = document.versions.findLast((each) => each.number === number);
  const digest = digestOf(text);
  if (noted?.digest === digest) return noted.id;
  const written = document.versions.find(
    (each) => each.number === undefined && each.text !== undefined && each.digest === digest,
  );
  return written?.id ?? numberedId(version);
}

/** Throws SecretUnusable where no version of this id is there any more. */
async function textOf({ place, document, newest }: Look, versionId: VersionId, kv: Kv): Promise<Secret> {
  if (newest?.id === versionId) return newest.text;
  const kept = versionIn(document, versionId);
  const held = kept?.text ?? (document.pinned?.id === versionId ? document.pinned.text : undefined);
  if (held !== undefined) return new Secret(held);
  const number = kept?.number ?? numberIn(versionId);
  const found = number === undefined ? undefined : await kv.read({ place, path: place.path, number });
  const isSame =
    found !== undefined && !("deletedAt" in found) && (kept !== undefined || numberedId(found) === versionId);
  if (!isSame) throw new SecretUnusable(`${place.reference} has no version ${versionId}`);
  return textIn(found as KvVersion, place);
}

function inUse({ document, newest }: Look): VersionsInUse {
  const { pending, pinned, versions } = document;
  const staged = versions.filter(({ byRekey }) => byRekey === true).map(({ id }) => id);
  const all = [newest?.id, pending, pinned?.id, ...staged].filter((id) => id !== undefined);
  return {
    ...(newest !== undefined && { current: newest.id }),
    ...(pending !== undefined && {
      pending: { versionId: pending, byRekey: versionIn(document, pending)?.byRekey === true },
    }),
    ...(pinned !== undefined && { pinned: pinned.id }),
    all: [...new Set(all)],
  };
}

interface Promotion {
  readonly place: KvPlace;
  readonly from: VersionId;
  readonly to: VersionId;
}

/** Two writes: Vault's own `cas` decides the first, and whoever finds it done without the second makes that up. */
async function promote({ place, from, to }: Promotion, kv: Kv): Promise<"promoted" | "heldElsewhere"> {
  const seen = await lookAt(place, kv);
  const { newest } = seen;
  if (newest?.id === to) return noted({ place, id: to, version: newest }, kv);
  const text = await textOf(seen, to, kv);
  if (newest?.id !== from) return "heldElsewhere";
  const fields = withKey(new Secret(newest.fields), place.field, text).reveal();
  const number = await kv.write({ place, path: place.path }, { fields, cas: newest.number });
  if (number !== undefined) return noted({ place, id: to, version: { number, text } }, kv);
  const after = await lookAt(place, kv);
  return after.newest?.id === to ? noted({ place, id: to, version: after.newest }, kv) : "heldElsewhere";
}

async function noted(
  done: {
    readonly place: KvPlace;
    readonly id: VersionId;
    readonly version: { readonly number: number; readonly text: Secret };
  },
  kv: Kv,
): Promise<"promoted"> {
  const { place, id, version } = done;
  const now = { id, digest: digestOf(version.text), number: version.number };
  await kv.document(place).change((document) => promotedAs(document, now));
  return "promoted";
}
