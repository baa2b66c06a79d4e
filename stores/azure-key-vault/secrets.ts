import * as z from "zod";
import { SecretUnusable, StoreUnavailable } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";
import { type HeldToken, withToken } from "../held-token.ts";
import { type Fetch, type JsonCall, type JsonReply, sendJson } from "../http.ts";
import type { Tags } from "./mark.ts";
import { causeOf, refusalOf } from "./refusals.ts";

/** One version of a secret without its value. */
export interface Version {
  /** Azure's own name of it. */
  readonly version: string;
  readonly createdS: number;
  readonly isEnabled: boolean;
  readonly tags: Tags;
}

export interface Read extends Version {
  readonly text: Secret;
  readonly contentType?: string;
}

/** Whose text is written again: everything beside the value, which a new version does not take over by itself. */
export interface Writing {
  readonly text: Secret;
  readonly tags: Tags;
  readonly contentType?: string;
}

export interface SecretsWorld {
  readonly address: string;
  readonly token: HeldToken;
  readonly fetch: Fetch;
}

const apiVersion = "api-version=2025-07-01";
/** Azure lists 25 at once, in no order that means anything. */
const pagesMax = 40;

const Listed = z.object({
  id: z.string().max(1_024),
  attributes: z.object({ enabled: z.boolean().default(true), created: z.number() }),
  tags: z.record(z.string(), z.string()).nullish(),
});
const Whole = Listed.extend({ value: z.string(), contentType: z.string().max(255).nullish() });
const Page = z.object({ value: z.array(Listed).nullish(), nextLink: z.string().max(8_192).nullish() });

/** The calls of one vault. */
export function secretsOf({ address, token, fetch }: SecretsWorld) {
  const call = (url: string, request: Omit<JsonCall, "url" | "token">): Promise<JsonReply> =>
    withToken({ token, refusedWith: 401 }, (text) => sendJson({ ...request, url, token: text }, fetch));
  const urlOf = (path: string) => `${address}/secrets/${path}?${apiVersion}`;

  /** `disabled`: it is there, and nobody may read it. Undefined: there is none. */
  async function read(name: string, version = ""): Promise<Read | "disabled" | undefined> {
    const reply = await call(urlOf(`${name}/${version}`), { method: "GET" });
    if (reply.status === 404) return undefined;
    if (reply.status === 403 && causeOf(reply) === "SecretDisabled") return "disabled";
    const { value, contentType, ...rest } = understood(reply, Whole, { name, what: "read it" });
    return { ...versionOf(rest), text: new Secret(value), ...(contentType && { contentType }) };
  }

  return {
    read,

    /** Every version, disabled ones too; none of a name that does not exist. */
    async versions(name: string): Promise<readonly Version[]> {
      const first = `${address}/secrets/${name}/versions?`;
      const found: Version[] = [];
      let url = `${first}maxresults=25&${apiVersion}`;
      for (let page = 1; page <= pagesMax; page++) {
        const reply = await call(url, { method: "GET" });
        if (reply.status === 404) return found;
        const { value, nextLink } = understood(reply, Page, { name, what: "list its versions" });
        found.push(...(value ?? []).map(versionOf));
        if (!nextLink) return found;
        // The token goes to the vault that the deployment lists, and to no address from an answer.
        if (!nextLink.startsWith(first)) throw new StoreUnavailable(`${name}: Azure's list leads elsewhere`);
        url = nextLink;
      }
      throw new SecretUnusable(`${name} has more versions than the ${pagesMax * 25} that Rekey reads`);
    },

    /** Makes a new version each time: Azure knows no repeat. Its name. */
    async put(name: string, { text, tags, contentType }: Writing): Promise<string> {
      const body = { value: text.reveal(), tags, ...(contentType && { contentType }) };
      const reply = await call(urlOf(name), { method: "PUT", body });
      return versionOf(understood(reply, Listed, { name, what: "write it" })).version;
    },

    /** All tags of one version: those that are not named go. */
    async update(
      { name, version }: { readonly name: string; readonly version: string },
      { tags, isEnabled }: { readonly tags: Tags; readonly isEnabled: boolean },
    ): Promise<void> {
      const body = { tags, attributes: { enabled: isEnabled } };
      const reply = await call(urlOf(`${name}/${version}`), { method: "PATCH", body });
      understood(reply, Listed, { name, what: "change its tags" });
    },
  };
}

export type AzureSecrets = ReturnType<typeof secretsOf>;

function versionOf({ id, attributes, tags }: z.output<typeof Listed>): Version {
  const version = /\/secrets\/[\w-]+\/([0-9a-f]{32})$/.exec(id)?.[1];
  if (version === undefined) throw new StoreUnavailable("Azure's name of a version is not what it documents");
  return { version, createdS: attributes.created, isEnabled: attributes.enabled, tags: tags ?? {} };
}

function understood<Schema extends z.ZodType>(
  reply: JsonReply,
  schema: Schema,
  asked: { readonly name: string; readonly what: string },
): z.output<Schema> {
  if (reply.status !== 200) throw refusalOf(reply, asked);
  const parsed = schema.safeParse(reply.json);
  if (parsed.success) return parsed.data;
  throw new StoreUnavailable(`${asked.name}: Azure's answer is not what it documents`);
}
