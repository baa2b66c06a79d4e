import type { SecretStore } from "../../core/ports.ts";
import { storeByPlace } from "../by-place.ts";
import type { VaultReach } from "../store.ts";
import { capabilities } from "./capabilities.ts";
import { kvOf } from "./kv.ts";
import { parseReference } from "./reference.ts";
import { vaultSettings } from "./settings.ts";
import { storeOnKv } from "./store.ts";

export function connect({ servers, fetch = globalThis.fetch, ...reach }: VaultReach): SecretStore {
  return storeByPlace({
    ...{ listed: servers, called: "Vault server", capabilities },
    placeIn: (reference) => parseReference(reference)?.server,
    connect(given) {
      const settings = vaultSettings.parse(given);
      return storeOnKv(kvOf({ ...reach, settings, fetch, nowMs: Date.now }), settings.staging);
    },
  });
}
