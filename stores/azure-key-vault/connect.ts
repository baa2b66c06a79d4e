import type { SecretStore } from "../../core/ports.ts";
import { storeByPlace } from "../by-place.ts";
import type { AzureReach } from "../store.ts";
import { capabilities } from "./capabilities.ts";
import { federated } from "./login.ts";
import { parseReference } from "./reference.ts";
import { secretsOf } from "./secrets.ts";
import { azureSettings } from "./settings.ts";
import { storeOnVersions } from "./store.ts";

/** What an application's federated credential expects a token of another cloud to be for. */
const audience = "api://AzureADTokenExchange";

export function connect({ vaults, webIdentityToken, fetch = globalThis.fetch }: AzureReach): SecretStore {
  return storeByPlace({
    ...{ listed: vaults, called: "Azure vault", capabilities },
    placeIn: (reference) => parseReference(reference)?.vault,
    connect(given) {
      const settings = azureSettings.parse(given);
      const assertion = () => webIdentityToken({ audience, role: settings.role });
      const token = federated({ settings, fetch, nowMs: Date.now, assertion });
      return storeOnVersions(secretsOf({ address: settings.address, token, fetch }));
    },
  });
}
