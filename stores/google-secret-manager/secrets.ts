import * as z from "zod";
import { InputInvalid, StoreUnavailable } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";
import { type HeldToken, withToken } from "../held-token.ts";
import { type Fetch, type JsonCall, type JsonReply, sendJson } from "../http.ts";
import { crc32c } from "./crc32c.ts";
import { hostOf } from "./host.ts";
import { parseReference } from "./reference.ts";
import { refusalOf } from "./refusals.ts";

/** One secret without its values. */
export interface GoogleSecret {
  /** Changes with every change of the secret, and a change that names another one is refused. */
  readonly etag: string;
  /** By name, the number of a version. */
  readonly aliases: Readonly<Record<string, number>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const number = z.union([z.int().positive(), z.string().regex(/^\d{1,15}$/)]).transform(Number);
const Described = z.object({
  etag: z.string().max(1_024),
  versionAliases: z.record(z.string(), number).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
});
const Accessed = z.object({
  payload: z.object({ data: z.string().max(131_072), dataCrc32c: z.union([z.string(), z.number()]) }),
});
const Version = z.object({ name: z.string(), state: z.string().default("ENABLED") });
const Listed = z.object({ versions: z.array(Version).default([]) });
const numberIn = (name: string): number => Number(/\/versions\/(\d{1,15})$/.exec(name)?.[1]);

export interface SecretsWorld {
  readonly project: string;
  /** Regional secrets are other secrets than those of the whole project, on a host of their own. */
  readonly location?: string | undefined;
  readonly token: HeldToken;
  readonly fetch: Fetch;
  /** The secret's own name in what callers name it by; without it `google://<project>/<secret>`. */
  nameIn?(reference: string): string;
}

type Asked = Omit<JsonCall, "url" | "token">;

/** `at` is the path of a secret below all secrets of the project, or of one location of it. */
function callsOf({ project, location, token, fetch, nameIn = nameOf }: SecretsWorld) {
  const place = location === undefined ? "" : `/locations/${location}`;
  const root = `https://${hostOf(location)}/v1/projects/${project}${place}/secrets`;
  return {
    call: (path: string, request: Asked): Promise<JsonReply> =>
      withToken({ token, refusedWith: 401 }, (text) =>
        sendJson({ ...request, url: `${root}${path}`, token: text }, fetch),
      ),
    at: (reference: string, rest = "") => `/${nameIn(reference)}${rest}`,
    create: (reference: string) => `?secretId=${nameIn(reference)}`,
  };
}

function secretIn(reply: JsonReply, reference: string): GoogleSecret {
  const asked = { reference, what: "read it" };
  const { etag, versionAliases, annotations } = understood(reply, Described, asked);
  return { etag, aliases: versionAliases, annotations };
}

/** The calls of one project, or of one location of it. */
export function secretsOf(world: SecretsWorld) {
  const { call, at, create } = callsOf(world);
  return {
    async describe(reference: string): Promise<GoogleSecret> {
      return secretIn(await call(at(reference), { method: "GET" }), reference);
    },

    /** Undefined if there is no such secret. */
    async find(reference: string): Promise<GoogleSecret | undefined> {
      const reply = await call(at(reference), { method: "GET" });
      return reply.status === 404 ? undefined : secretIn(reply, reference);
    },

    /** Without a version. `exists`: somebody made it meanwhile. */
    async create(reference: string): Promise<GoogleSecret | "exists"> {
      const body = world.location === undefined ? { replication: { automatic: {} } } : {};
      const reply = await call(create(reference), { method: "POST", body });
      return reply.status === 409 ? "exists" : secretIn(reply, reference);
    },

    async access(reference: string, version: number): Promise<Secret> {
      const reply = await call(at(reference, `/versions/${version}:access`), { method: "GET" });
      const { payload } = understood(reply, Accessed, { reference, what: `read its version ${version}` });
      const bytes = Buffer.from(payload.data, "base64");
      if (crc32c(bytes) !== Number(payload.dataCrc32c))
        throw new StoreUnavailable(
          `${reference}: version ${version} arrived damaged (its CRC-32C is another)`,
        );
      return new Secret(bytes.toString("utf8"));
    },

    /** No call of Google's says which version a lost answer was about: see `newerThan`. */
    async add(reference: string, text: Secret): Promise<number> {
      const bytes = Buffer.from(text.reveal(), "utf8");
      const body = { payload: { data: bytes.toString("base64"), dataCrc32c: String(crc32c(bytes)) } };
      const reply = await call(at(reference, ":addVersion"), { method: "POST", body });
      return numberIn(understood(reply, Version, { reference, what: "add a version" }).name);
    },

    /** The numbers of the versions that can be read and were made after this one, newest first. */
    async newerThan(reference: string, version: number): Promise<readonly number[]> {
      const reply = await call(at(reference, "/versions?pageSize=100"), { method: "GET" });
      const { versions } = understood(reply, Listed, { reference, what: "list its versions" });
      return versions
        .filter(({ state }) => state === "ENABLED")
        .map(({ name }) => numberIn(name))
        .filter((each) => each > version);
    },

    /** Aliases and annotations at once. `overtaken`: the secret changed since it was seen. */
    async update(reference: string, next: GoogleSecret): Promise<"updated" | "overtaken"> {
      const { etag, aliases, annotations } = next;
      const versionAliases = Object.fromEntries(
        Object.entries(aliases).map(([name, each]) => [name, String(each)]),
      );
      const reply = await call(at(reference, "?updateMask=versionAliases,annotations"), {
        ...{ method: "PATCH", body: { etag, versionAliases, annotations } },
      });
      if (reply.status === 409 || reply.status === 412) return "overtaken";
      if (reply.status !== 200) throw refusalOf(reply, { reference, what: "move its aliases" });
      return "updated";
    },
  };
}

export type GoogleSecrets = ReturnType<typeof secretsOf>;

/** Consumers read the alias `current`; what it was on before stays readable as `previous`. */
export function withCurrent(seen: GoogleSecret, number: number): GoogleSecret {
  const { current } = seen.aliases;
  return {
    ...seen,
    aliases: { ...seen.aliases, current: number, ...(current !== undefined && { previous: current }) },
  };
}

/** A version with this text that was added after that one: a lost answer may have been about it. */
export async function foundAfter(
  { reference, after, text }: { readonly reference: string; readonly after: number; readonly text: Secret },
  secrets: GoogleSecrets,
): Promise<number | undefined> {
  for (const number of await secrets.newerThan(reference, after))
    if ((await secrets.access(reference, number)).reveal() === text.reveal()) return number;
  return undefined;
}

function nameOf(reference: string): string {
  const parsed = parseReference(reference);
  if (parsed === undefined) throw new InputInvalid("this is no reference of a secret of Google's");
  return parsed.secret;
}

function understood<Schema extends z.ZodType>(
  reply: JsonReply,
  schema: Schema,
  asked: { readonly reference: string; readonly what: string },
): z.output<Schema> {
  if (reply.status !== 200) throw refusalOf(reply, asked);
  const parsed = schema.safeParse(reply.json);
  if (parsed.success) return parsed.data;
  throw new StoreUnavailable(`${asked.reference}: Google's answer is not what it documents`);
}
