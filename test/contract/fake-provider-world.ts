import type { KeyProvider } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { connected } from "../../providers/connect.ts";
import type { FakeOptions, ProviderFake, SeedOptions } from "../../providers/fake-world.ts";
import { boundedHttp, type Http } from "../../providers/http.ts";
import type { ProviderAdapter, ProviderKind } from "../../providers/provider.ts";
import type { ContractWorld, FakeQuirks, ProviderUnderContract } from "./provider-contract.ts";

export interface FakeWorld extends ContractWorld {
  readonly fake: ProviderFake;
  readonly provider: KeyProvider;
  readonly http: Http;
  addKey(seed?: SeedOptions): { readonly keyId: string; readonly secret: Secret };
}

export interface Subject {
  readonly kind: ProviderKind;
  readonly adapter: ProviderAdapter;
  readonly fake: (options: FakeOptions) => ProviderFake;
  /** The policy's block, but for the addresses. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Calls to make before faults may strike, such as the exchange of a credential for a token. */
  readonly prepare?: (provider: KeyProvider) => Promise<unknown>;
}

export const adminCredential =
  "arn:aws:secretsmanager:eu-central-1:000000000000:secret:admin/provider-AbCdEf";
export const noonMs = Date.UTC(2026, 10, 22, 12);

/** An adapter connected to its stand-in, over a socket or without one. */
export async function makeFakeWorld(
  subject: Subject,
  quirks: FakeQuirks & { readonly overSocket?: boolean } = {},
): Promise<FakeWorld> {
  let nowMs = noonMs;
  const fake = subject.fake({ now: () => nowMs, ...quirks });
  const server = quirks.overSocket ? await fake.listen() : undefined;
  const origin = server?.origin ?? "http://127.0.0.1:1";
  const settings = { ...subject.settings, ...fake.settingsAt(origin) };
  const http = server
    ? boundedHttp({ allowHosts: subject.kind.hosts(settings), allowLoopback: true })
    : fake.http();
  const admin = { get: async () => new Secret(fake.adminKey), refused: () => undefined };
  const pause = async () => undefined;
  const awsCredentials = async () => ({ accessKeyId: "AKIAFAKE", secretAccessKey: "FAKE-role-secret-0000" });
  const provider = connected(subject.kind, subject.adapter, {
    ...{ settings, admin, http, pause, awsCredentials },
    ...("functions" in fake && { functions: Object(fake.functions) }),
  });
  await subject.prepare?.(provider);

  return {
    ...{ fake, http, provider },
    async useKey(secret) {
      const { path, header, scheme } = fake.consumer;
      const headers = { [header]: `${scheme}${secret.reveal()}` };
      return (await http.send({ method: "POST", url: `${origin}${path}`, headers, body: {} })).status === 200;
    },
    addKey: fake.addKey,
    foreignKey: () => fake.addKey(),
    plaintexts: () => [fake.adminKey, ...fake.texts().values()],
    listed: () => fake.state().flatMap(({ keyId, isListed }) => (isListed ? [keyId] : [])),
    inject: fake.inject,
    disable: fake.disable,
    nowMs: () => nowMs,
    advance(ms) {
      nowMs += ms;
    },
    close: async () => server?.close(),
  };
}

/** What `describeProvider` takes, with the statement itself as the source of the claims. */
export function underContract(
  subject: Subject,
  own: Omit<ProviderUnderContract, "make" | "capabilities"> & Partial<ProviderUnderContract>,
  options: { readonly overSocket?: boolean } = {},
): ProviderUnderContract {
  const settings = { ...subject.settings, ...subject.fake({}).settingsAt("http://127.0.0.1:1") };
  const { capabilities } = subject.kind.facts(settings);
  return { capabilities, make: (quirks) => makeFakeWorld(subject, { ...quirks, ...options }), ...own };
}
