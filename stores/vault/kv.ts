import { createHash } from "node:crypto";
import * as z from "zod";
import { InputInvalid, SecretUnusable, StoreUnavailable } from "../../core/errors.ts";
import type { Secret } from "../../core/secret.ts";
import { withToken } from "../held-token.ts";
import { memberText } from "../value.ts";
import { Document } from "./document.ts";
import { parseReference } from "./reference.ts";
import type { VaultSettings } from "./settings.ts";
import { jsonIn, type LoginWorld, tokens } from "./token.ts";
import { refusalOf, send, type VaultCall, type VaultReply } from "./wire.ts";

/** One version of a KV v2 secret. */
export interface KvVersion {
  readonly number: number;
  readonly createdAt: string;
  /** Its fields, as JSON text: writing them again changes no byte of the others. */
  readonly fields: string;
}

/** A secret, and Rekey's document beside it. */
export interface KvPlace {
  readonly reference: string;
  readonly path: string;
  readonly field: string;
  readonly documentPath: string;
}

interface Read {
  readonly place: KvPlace;
  readonly path: string;
  readonly number?: number | undefined;
}

const Metadata = z.object({
  version: z.int().nonnegative(),
  created_time: z.string().max(64),
});
const Found = z.object({
  data: z.object({ data: z.record(z.string(), z.unknown()).nullable(), metadata: Metadata }),
});
const Written = z.object({ data: z.object({ version: z.int().positive() }) });
/** OpenBao counts the changes of the metadata, and refuses one that names another count; Vault does not. */
const DocumentMetadata = z.object({
  data: z.object({
    max_versions: z.number().optional(),
    cas_required: z.boolean().optional(),
    current_metadata_version: z.int().nonnegative().optional(),
  }),
});
const Errors = z.object({ errors: z.array(z.string()).default([]) });

/** How often a change of the document is tried again after somebody else's. */
const triesMax = 8;

/** KV v2 with a token: what one path holds, and writes that are refused when it holds something else by now. */
export function kvOf(world: LoginWorld) {
  const { settings } = world;
  const token = tokens(world);

  const call = (request: Omit<VaultCall, "token">): Promise<VaultReply> =>
    withToken({ token, refusedWith: 403 }, (text) => send({ ...request, token: text }, world));

  /** `deletedAt`: what was there is deleted, and the next write has to name that number. Undefined: nothing was ever there. */
  async function read({
    place,
    path,
    number,
  }: Read): Promise<KvVersion | { readonly deletedAt: number } | undefined> {
    const query = number === undefined ? "" : `?version=${number}`;
    const reply = await call({ method: "GET", path: `${settings.mount}/data/${path}${query}` });
    if (reply.status !== 200 && reply.status !== 404)
      throw refusalOf(reply, { what: "read it", reference: place.reference });
    const found = Found.safeParse(jsonIn(reply.text));
    if (reply.status === 404)
      return found.success ? { deletedAt: found.data.data.metadata.version } : undefined;
    if (!found.success || found.data.data.data === null)
      throw new StoreUnavailable(`${place.reference}: Vault's answer is not what it documents`);
    const { version, created_time: createdAt } = found.data.data.metadata;
    return { number: version, createdAt, fields: memberText(memberText(reply.text, "data"), "data") };
  }

  /** The new version's number; undefined if the path does not hold the version `cas` any more. */
  async function write(
    { place, path }: Omit<Read, "number">,
    { fields, cas }: { readonly fields: string; readonly cas: number },
  ): Promise<number | undefined> {
    const body = `{"options":{"cas":${cas}},"data":${fields}}`;
    const reply = await call({ method: "POST", path: `${settings.mount}/data/${path}`, body });
    if (reply.status === 200) return Written.parse(jsonIn(reply.text)).data.version;
    if (isMissed(reply)) return undefined;
    throw refusalOf(reply, { what: "write it", reference: place.reference });
  }

  /** True of a secret without a value too. */
  async function isThere({ path, reference }: KvPlace): Promise<boolean> {
    const reply = await call({ method: "GET", path: `${settings.mount}/metadata/${path}` });
    if (reply.status === 200 || reply.status === 404) return reply.status === 200;
    throw refusalOf(reply, { what: "read its metadata", reference });
  }

  return {
    read,
    write,
    isThere,
    document: (place: KvPlace) => documentAt(place, { call, read, write, settings }),
  };
}

export type Kv = ReturnType<typeof kvOf>;

function isMissed({ status, text }: VaultReply, said = "check-and-set parameter did not match"): boolean {
  if (status !== 400) return false;
  const { errors } = Errors.safeParse(jsonIn(text)).data ?? { errors: [] };
  return errors.some((each) => each.includes(said));
}

type Calls = Pick<Kv, "read" | "write"> & {
  readonly settings: VaultSettings;
  call(request: Omit<VaultCall, "token">): Promise<VaultReply>;
};

/** Rekey's document of one secret. */
function documentAt(place: KvPlace, { call, read, write, settings }: Calls) {
  const at = { place, path: place.documentPath };

  async function load(): Promise<{ readonly document: Document; readonly cas: number }> {
    const found = await read(at);
    if (found === undefined) return { document: { versions: [] }, cas: 0 };
    if ("deletedAt" in found) return { document: { versions: [] }, cas: found.deletedAt };
    const parsed = Document.safeParse(jsonIn(found.fields));
    if (parsed.success) return { document: parsed.data, cas: found.number };
    throw new SecretUnusable(
      `${place.reference}: somebody changed Rekey's own document at ${place.documentPath}`,
    );
  }

  /** Vault keeps former versions of a secret, and this one's have keys that were discarded. */
  async function keepOne(): Promise<void> {
    const path = `${settings.mount}/metadata/${place.documentPath}`;
    const known = await call({ method: "GET", path });
    const found =
      known.status === 200 ? DocumentMetadata.safeParse(jsonIn(known.text)).data?.data : undefined;
    if (found?.max_versions === 1 && found.cas_required === true) return;
    const count = found?.current_metadata_version;
    const body = JSON.stringify({
      ...{ max_versions: 1, cas_required: true },
      ...(count !== undefined && { metadata_cas: count }),
    });
    const reply = await call({ method: "POST", path, body });
    // Whoever changed it meanwhile is Rekey itself, or is found out by the write that follows.
    const isOvertaken = count !== undefined && isMissed(reply, "metadata check-and-set");
    if (reply.status !== 200 && reply.status !== 204 && !isOvertaken)
      throw refusalOf(reply, { what: "make its document", reference: place.reference });
  }

  return {
    load,
    /** Applies `next` to the document as it is at the write: it may be called more than once. */
    async change(next: (document: Document) => Document): Promise<void> {
      for (let attempt = 1; attempt <= triesMax; attempt++) {
        const { document, cas } = await load();
        const changed = next(document);
        if (JSON.stringify(changed) === JSON.stringify(document)) return;
        if (cas === 0) await keepOne();
        if ((await write(at, { fields: JSON.stringify(changed), cas })) !== undefined) return;
      }
      throw new StoreUnavailable(`${place.reference}: its document is changed by others all the time`);
    },
  };
}

export function placeOf(reference: string, staging: string): KvPlace {
  const parsed = parseReference(reference);
  if (parsed === undefined) throw new InputInvalid("this is no reference of a secret in Vault");
  const { path, field } = parsed;
  if (path === staging || path.startsWith(`${staging}/`))
    throw new InputInvalid(`${reference}: this path is Rekey's own`);
  return { reference, path, field, documentPath: `${staging}/${path}/${field}` };
}

export function digestOf(text: Secret): string {
  return createHash("sha256").update(text.reveal()).digest("hex");
}
