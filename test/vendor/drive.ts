/**
 * `node drive.ts <kind> <origin> <admin credential>`: makes a key with the vendor's own client, lists, uses and ends it,
 * against a stand-in at `origin`, and prints as one line of JSON what the client understood of its answers.
 */
import { createRequire } from "node:module";

/** What a vendor's client can do, in this project's words. Ids and texts are what the client gave back. */
interface Driven {
  make(name: string): Promise<{ readonly id: string; readonly text: string }>;
  list(): Promise<readonly { readonly id: string; readonly name: string }[]>;
  end(id: string): Promise<unknown>;
  /** A call with the key itself; rejects if the key is refused. */
  use(text: string): Promise<unknown>;
}

// The clients are no dependencies of the project: what is called here is named here.
// biome-ignore lint/suspicious/noExplicitAny: their types are not there when the project is checked.
type Client = any;
const load = createRequire(import.meta.url) as (name: string) => Client;

const clients: Readonly<Record<string, (origin: string, admin: string) => Driven>> = {
  cloudflare(origin, admin) {
    const { Cloudflare } = load("cloudflare");
    const at = (apiToken: string) =>
      new Cloudflare({ apiToken, baseURL: `${origin}/client/v4`, maxRetries: 0 });
    const { tokens } = at(admin).accounts;
    const account_id = "account-FAKE";
    const group = { id: "c8fed203ed3043cba015a93ad1616f1f" };
    const policies = [
      {
        effect: "allow",
        permission_groups: [group],
        resources: { "com.cloudflare.api.account.zone.*": "*" },
      },
    ];
    return {
      make: async (name) => {
        const { id, value } = await tokens.create({ account_id, name, policies });
        return { id, text: value };
      },
      list: async () => {
        const found = [];
        for await (const { id, name } of tokens.list({ account_id })) found.push({ id, name });
        return found;
      },
      end: (id) => tokens.delete(id, { account_id }),
      use: (text) => at(text).accounts.tokens.verify({ account_id }),
    };
  },
  openrouter(origin, admin) {
    const { OpenRouter } = load("@openrouter/sdk");
    const at = (apiKey: string) =>
      new OpenRouter({ apiKey, serverURL: `${origin}/api/v1`, retryConfig: { strategy: "none" } });
    const { apiKeys } = at(admin);
    return {
      make: async (name) => {
        const { data, key } = await apiKeys.create({ requestBody: { name } });
        return { id: data.hash, text: key };
      },
      list: async () => (await apiKeys.list()).data.map(({ hash, name }: Client) => ({ id: hash, name })),
      end: (hash) => apiKeys.delete({ hash }),
      use: (text) => at(text).apiKeys.getCurrentKeyMetadata(),
    };
  },
  resend(origin, admin) {
    const { Resend } = load("resend");
    const at = (key: string) => new Resend(key, { baseUrl: origin });
    const { apiKeys } = at(admin);
    return {
      make: async (name) => {
        const { id, token } = good(await apiKeys.create({ name, permission: "sending_access" }));
        return { id, text: token };
      },
      list: async () => good(await apiKeys.list()).data,
      end: async (id) => good(await apiKeys.remove(id)),
      use: async (text) => good(await at(text).domains.list()),
    };
  },
  deepgram(origin, admin) {
    const { DeepgramClient } = load("@deepgram/sdk");
    const at = (apiKey: string) => new DeepgramClient({ apiKey, baseUrl: origin, maxRetries: 0 });
    const { projects } = at(admin).manage.v1;
    return {
      make: async (comment) => {
        const { api_key_id, key } = await projects.keys.create("prj-FAKE", {
          comment,
          scopes: ["usage:write"],
        });
        return { id: api_key_id, text: key };
      },
      list: async () =>
        (await projects.keys.list("prj-FAKE")).api_keys.map(({ api_key }: Client) => ({
          id: api_key.api_key_id,
          name: api_key.comment,
        })),
      end: (id) => projects.keys.delete("prj-FAKE", id),
      use: (text) => at(text).manage.v1.projects.list(),
    };
  },
  neon(origin, admin) {
    const { createApiClient } = load("@neondatabase/api-client");
    const at = (apiKey: string) => createApiClient({ apiKey, baseURL: origin });
    return {
      make: async (key_name) => {
        const { id, key } = (await at(admin).createOrgApiKey("org-FAKE", { key_name })).data;
        return { id: String(id), text: key };
      },
      list: async () =>
        (await at(admin).listOrgApiKeys("org-FAKE")).data.map(({ id, name }: Client) => ({
          id: String(id),
          name,
        })),
      end: async (id) => {
        const { data } = await at(admin).revokeOrgApiKey("org-FAKE", Number(id));
        if (data.revoked !== true) throw new Error("the key is not revoked");
      },
      use: (text) => at(text).listProjects({ org_id: "org-FAKE" }),
    };
  },
  portkey(origin, admin) {
    const { Portkey } = load("portkey-ai");
    const at = (apiKey: string) => new Portkey({ apiKey, baseURL: origin });
    const { apiKeys } = at(admin);
    return {
      make: async (name) => {
        const { id, key } = await apiKeys.create({
          type: "workspace",
          "sub-type": "service",
          name,
          workspace_id: "ws-FAKE",
          scopes: ["completions.write"],
        });
        return { id, text: key };
      },
      list: async () => (await apiKeys.list({ workspace_id: "ws-FAKE" })).data,
      end: (id) => apiKeys.delete({ id }),
      use: (text) => at(text).models.list(),
    };
  },
  twilio(origin, admin) {
    const twilio = load("twilio");
    const at = (credential: string) => {
      const [sid = "", secret = ""] = credential.split(":");
      const client = twilio(sid, secret, { accountSid: "ACFAKE", autoRetry: false });
      const send = client.httpClient.request.bind(client.httpClient);
      // It knows its own hosts only, so each request goes to the stand-in's host just before it is sent.
      client.httpClient.request = (request: Client) =>
        send({ ...request, uri: origin + new URL(request.uri).pathname });
      return client;
    };
    const { iam } = at(admin);
    return {
      make: async (friendlyName) => {
        const { sid, secret } = await iam.v1.newApiKey.create({ accountSid: "ACFAKE", friendlyName });
        return { id: sid, text: `${sid}:${secret}` };
      },
      list: async () =>
        (await iam.v1.getApiKeys.list({ accountSid: "ACFAKE" })).map(({ sid, friendlyName }: Client) => ({
          id: sid,
          name: friendlyName,
        })),
      end: (sid) => iam.v1.apiKey(sid).remove(),
      use: (text) => at(text).verify.v2.services.list(),
    };
  },
};

/** Resend's client answers with an error instead of throwing it. */
function good({ data, error }: Client): Client {
  if (error) throw Object.assign(new Error(error.message), error);
  return data;
}

const [kind = "", origin = "", admin = ""] = process.argv.slice(2);
const driven = clients[kind]?.(origin, admin);
if (driven === undefined) throw new Error(`no client of ${kind} is known here`);
const name = "rekey/r-1";
const made = await driven.make(name);
const listed = await driven.list();
await driven.use(made.text);
await driven.end(made.id);
const left = await driven.list();
const refused = await driven.use(made.text).then(
  () => undefined,
  (error: Client) => ({
    status: error.statusCode ?? error.status ?? error.response?.status,
    code: error.name,
  }),
);
console.log(JSON.stringify({ id: made.id, listed, left, refused }));
