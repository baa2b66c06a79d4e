import type { KeyProvider } from "../core/ports.ts";
import { neverIssuedBy } from "./never-issued.ts";
import type { ConnectOptions, ProviderAdapter, ProviderCalls, ProviderKind } from "./provider.ts";

/** A provider whose adapter is at hand. */
export function connected(
  kind: ProviderKind,
  { connect }: ProviderAdapter,
  options: ConnectOptions,
): KeyProvider {
  const { newSecret } = kind;
  return {
    ...kind.facts(options.settings),
    neverIssued: neverIssuedBy(kind, options.settings),
    ...(newSecret !== undefined && { newSecret }),
    ...connect(options),
  };
}

/** A provider whose adapter is loaded by the first call: a function that asks only what it can do loads none. */
export function connectLater(kind: ProviderKind, options: ConnectOptions): KeyProvider {
  const facts = kind.facts(options.settings);
  let loading: Promise<ProviderCalls> | undefined;
  const calls = (): Promise<ProviderCalls> => {
    loading ??= kind.adapter().then(({ connect }) => connect(options));
    return loading;
  };
  return {
    ...facts,
    neverIssued: neverIssuedBy(kind, options.settings),
    ...(kind.newSecret !== undefined && { newSecret: kind.newSecret }),
    mint: async (request) => (await calls()).mint(request),
    list: async (listing) => (await calls()).list(listing),
    find: async (keyId) => (await calls()).find(keyId),
    verify: async (secret) => (await calls()).verify(secret),
    use: async (query) => (await calls()).use(query),
    quarantine: async (key) => (await calls()).quarantine(key),
    restore: async (key) => (await calls()).restore(key),
    revoke: async (keyId) => (await calls()).revoke(keyId),
    extend: async (query) => (await calls()).extend(query),
    candidates: async (secret, listed) => (await calls()).candidates(secret, listed),
  };
}
