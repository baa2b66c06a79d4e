import { Secret } from "../../core/secret.ts";
import { connected } from "../../providers/connect.ts";
import type { Fault } from "../../providers/fake-faults.ts";
import { boundedHttp, type Http } from "../../providers/http.ts";
import * as adapter from "../../providers/openai/adapter.ts";
import { type OpenAiFake, type OpenAiFakeOptions, openaiFake } from "../../providers/openai/fake.ts";
import { openai } from "../../providers/openai/index.ts";
import type { ContractWorld } from "./provider-contract.ts";

export const NOON_MS = Date.UTC(2026, 10, 22, 12);
export const SETTINGS = {
  adminCredential: "arn:aws:secretsmanager:eu-central-1:000000000000:secret:admin/openai-AbCdEf",
  project: "proj_FAKE",
  serviceAccount: "svc_acct_FAKE",
};

export interface OpenAiWorld extends ContractWorld {
  readonly fake: OpenAiFake;
  readonly http: Http;
}

export async function makeOpenAiWorld(
  options: OpenAiFakeOptions & {
    readonly overSocket?: boolean;
    readonly settings?: Record<string, unknown>;
  } = {},
): Promise<OpenAiWorld> {
  let nowMs = NOON_MS;
  const fake = openaiFake({ now: () => nowMs, ...options });
  const server = options.overSocket ? await fake.listen() : undefined;
  const settings = { ...SETTINGS, ...options.settings, ...(server ? { baseUrl: server.url } : {}) };
  const http = server
    ? boundedHttp({ allowHosts: openai.hosts(settings), allowLoopback: true })
    : fake.http();
  const admin = { get: async () => new Secret(fake.adminKey), refused: () => undefined };
  const seeded: Secret[] = [];

  return {
    fake,
    http,
    provider: connected(openai, adapter, { settings, admin, http }),
    async useKey(secret) {
      const headers = { authorization: `Bearer ${secret.reveal()}` };
      const url = `${server?.url ?? "https://api.openai.com/v1"}/chat/completions`;
      return (await http.send({ method: "POST", url, headers, body: {} })).status === 200;
    },
    foreignKey() {
      const key = fake.addKey({ name: "made by hand" });
      seeded.push(key.secret);
      return key;
    },
    plaintexts: () => [fake.adminKey, ...seeded.map((secret) => secret.reveal()), "sk-svcacct-FAKE-"],
    listed: () => fake.state().flatMap(({ keyId, isListed }) => (isListed ? [keyId] : [])),
    inject: fake.inject,
    nowMs: () => nowMs,
    advance(ms) {
      nowMs += ms;
    },
    close: async () => server?.close(),
  };
}

/** A provider that tells the truth but for one edit. */
export const editReply = (
  edit: (json: { [name: string]: unknown; data: { [name: string]: unknown }[] }) => unknown,
): Fault => ({
  kind: "rewrite",
  rewrite: ({ headers, json }) => ({ headers, json: edit(json) }),
});
