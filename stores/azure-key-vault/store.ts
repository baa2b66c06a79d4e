import { SecretUnusable, VersionMoved } from "../../core/errors.ts";
import type { SecretStore, VersionId } from "../../core/ports.ts";
import { onlyVersions } from "../routed.ts";
import { capabilities } from "./capabilities.ts";
import {
  inUse,
  type Known,
  type Look,
  lookAt,
  named,
  othersThan,
  pendingIn,
  pinnedIn,
  slippedIn,
  textOf,
} from "./look.ts";
import { digestOf, type Mark, withMark } from "./mark.ts";
import type { AzureSecrets } from "./secrets.ts";

/**
 * The domain's store on versions and one tag of each. Consumers read the newest version of the secret; what is staged is
 * in a secret beside it. No call here is guarded by Azure, so Rekey's own lease of the secret keeps its runs apart.
 */
export function storeOnVersions(secrets: AzureSecrets): SecretStore {
  return { ...reading(secrets), ...staging(secrets), ...pinning(secrets), ...onlyVersions };
}

type Part<Name extends keyof SecretStore> = Pick<SecretStore, Name>;

function reading(secrets: AzureSecrets): Part<"capabilities" | "versionsInUse" | "current" | "read"> {
  const look = (reference: string) => lookAt(reference, secrets);
  return {
    capabilities: () => capabilities,
    versionsInUse: async (reference) => inUse(await look(reference)),

    async current(reference) {
      const { newest } = await look(reference);
      if (newest === undefined) throw new SecretUnusable(`${reference}: its newest version is disabled`);
      return { versionId: newest.id, text: newest.text };
    },

    read: async (reference, versionId) => ({
      versionId,
      text: await textOf(await look(reference), versionId, secrets),
    }),
  };
}

function staging(
  secrets: AzureSecrets,
): Part<"write" | "markPending" | "clearPending" | "discard" | "promote"> {
  return {
    async write({ secretArn, versionId, text }) {
      const look = await lookAt(secretArn, secrets);
      const digest = digestOf(versionId, text);
      const known = named(look, versionId);
      if (known.some(({ mark }) => mark?.digest === digest)) return;
      if (known.length > 0) throw new VersionMoved(`${secretArn} already has another value as ${versionId}`);
      const tags = withMark({}, { id: versionId, digest, byRekey: true });
      await secrets.put(look.pending, { text, tags });
    },

    async markPending({ secretArn, versionId }) {
      const look = await lookAt(secretArn, secrets);
      const place = placeOf(look, versionId, "staged");
      const holder = pendingIn(look)?.id;
      if (holder !== undefined && holder !== versionId) return "heldElsewhere";
      await mark(place, { pending: true }, secrets);
      return "marked";
    },

    async clearPending({ secretArn, versionId }) {
      const look = await lookAt(secretArn, secrets);
      const isPromoted = look.real.some(({ id }) => id === versionId);
      for (const each of named(look, versionId)) {
        const isStaged = each.name === look.pending;
        if (isStaged && isPromoted) await retire(each, secrets);
        else if (isStaged || each.mark !== undefined) await mark(each, { pending: undefined }, secrets);
      }
    },

    async discard({ secretArn, versionId }) {
      const look = await lookAt(secretArn, secrets);
      for (const each of named(look, versionId)) {
        if (each.name === look.pending && !each.mark?.pinned) await retire(each, secrets);
        else if (each.mark !== undefined)
          await mark(each, { pending: undefined, byRekey: undefined }, secrets);
      }
    },

    promote: (promotion) => promote(promotion, secrets),
  };
}

function pinning(secrets: AzureSecrets): Part<"pin" | "unpin"> {
  return {
    async pin({ secretArn, versionId, from }) {
      const look = await lookAt(secretArn, secrets);
      const place = placeOf(look, versionId, "real");
      const holder = pinnedIn(look);
      if (holder?.id === versionId) return "pinned";
      if (holder?.id !== from) return "heldElsewhere";
      // Azure deletes no version, so a crash between the two loses a mark and nothing else.
      if (holder !== undefined) await mark(holder, { pinned: undefined }, secrets);
      await mark(place, { pinned: true }, secrets);
      return "pinned";
    },

    async unpin({ secretArn, versionId }) {
      const pinned = named(await lookAt(secretArn, secrets), versionId).filter((each) => each.mark?.pinned);
      for (const each of pinned) await mark(each, { pinned: undefined }, secrets);
    },
  };
}

/** Where a mark goes: a promoted version is at both places until its staged copy is retired. */
function placeOf(look: Look, id: VersionId, first: "real" | "staged"): Known {
  const places = named(look, id).filter(({ isEnabled }) => isEnabled);
  const preferred = places.find(({ name }) => (name === look.secret) === (first === "real"));
  const place = preferred ?? places[0];
  if (place === undefined)
    throw new SecretUnusable(`${look.reference} has no version ${id} that can be read`);
  return place;
}

type Changed = { readonly [Name in keyof Mark]?: Mark[Name] | undefined };

async function mark(known: Known, changed: Changed, secrets: AzureSecrets): Promise<void> {
  const { name, version, tags, isEnabled, id } = known;
  const next = withMark(tags, { ...(known.mark ?? { id }), ...changed } as Mark);
  if (next["rekey"] !== tags["rekey"]) await secrets.update({ name, version }, { tags: next, isEnabled });
}

/** It stays known by its id, so that a repeat of its write makes no second one; and nobody can read it any more. */
async function retire(
  { name, version, tags, isEnabled, id, mark: known }: Known,
  secrets: AzureSecrets,
): Promise<void> {
  const bare: Mark = { id, ...(known?.digest !== undefined && { digest: known.digest }) };
  const next = withMark(tags, bare);
  if (isEnabled || next["rekey"] !== tags["rekey"])
    await secrets.update({ name, version }, { tags: next, isEnabled: false });
}

interface Promotion {
  readonly secretArn: string;
  readonly from: VersionId;
  readonly to: VersionId;
}

/**
 * Azure takes every write. So the versions of others are counted before it, and the count is written with it: whoever
 * looks afterwards, this call or its repeat, sees whether somebody else's change came in between, and puts that back.
 */
async function promote(
  { secretArn, from, to }: Promotion,
  secrets: AzureSecrets,
): Promise<"promoted" | "heldElsewhere"> {
  const before = await lookAt(secretArn, secrets);
  const { newest } = before;
  if (newest?.id === to) return settle({ from, to }, { look: before, secrets });
  const text = await textOf(before, to, secrets);
  if (newest?.id !== from) return "heldElsewhere";
  const staged = named(before, to).find(({ mark: each }) => each?.byRekey);
  const tags = withMark(newest.tags, {
    ...{ id: to, digest: digestOf(to, text), others: othersThan(to, before).length },
    ...(staged && { byRekey: true }),
  });
  const { contentType } = newest;
  await secrets.put(before.secret, { text, tags, ...(contentType !== undefined && { contentType }) });
  return settle({ from, to }, { look: await lookAt(secretArn, secrets), secrets });
}

async function settle(
  { from, to }: Omit<Promotion, "secretArn">,
  { look, secrets }: { readonly look: Look; readonly secrets: AzureSecrets },
): Promise<"promoted" | "heldElsewhere"> {
  const { newest } = look;
  if (newest?.id !== to) return "heldElsewhere";
  const others = newest.mark?.others;
  const slipped = others === undefined ? undefined : slippedIn({ to, from, others }, look);
  if (slipped === undefined) return "promoted";
  const theirs = await secrets.read(look.secret, slipped.version);
  if (theirs === undefined || theirs === "disabled")
    throw new VersionMoved(`${look.reference}: somebody else's version cannot be read to be put back`);
  await secrets.put(look.secret, theirs);
  return "heldElsewhere";
}
