import { InputInvalid, PolicyInvalid } from "../../core/errors.ts";
import type { SecretStore } from "../../core/ports.ts";
import { routed } from "../routed.ts";
import type { VaultReach } from "../store.ts";
import { capabilities } from "./capabilities.ts";
import { kvOf } from "./kv.ts";
import { parseReference } from "./reference.ts";
import { type VaultSettings, vaultSettings } from "./settings.ts";
import { storeOnKv } from "./store.ts";

/** One store of all servers: which one a secret is in, its reference says, and where that is, the deployment. */
export function connect({ servers, fetch = globalThis.fetch, ...reach }: VaultReach): SecretStore {
  const made = new Map<string, SecretStore>();
  const at = (reference: string): SecretStore => {
    const server = parseReference(reference)?.server;
    if (server === undefined) throw new InputInvalid("this is no reference of a secret in Vault");
    const known = made.get(server);
    if (known !== undefined) return known;
    const settings = settingsOf(server, servers);
    const kv = kvOf({ ...reach, settings, fetch, nowMs: Date.now });
    const store = storeOnKv(kv, settings.staging);
    made.set(server, store);
    return store;
  };
  return { ...routed(at, () => capabilities), nativeRotation: async () => undefined };
}

function settingsOf(server: string, servers: VaultReach["servers"]): VaultSettings {
  const given = Object.hasOwn(servers, server) ? servers[server] : undefined;
  if (given === undefined) throw new PolicyInvalid(`the deployment lists no Vault server called ${server}`);
  return vaultSettings.parse(given);
}
