import type { SecretStore } from "../../core/ports.ts";
import { storeByPlace } from "../by-place.ts";
import type { GoogleReach } from "../store.ts";
import { capabilities } from "./capabilities.ts";
import { federated } from "./federation.ts";
import { parseReference } from "./reference.ts";
import { secretsOf } from "./secrets.ts";
import { googleSettings } from "./settings.ts";
import { storeOnAliases } from "./store.ts";

export function connect({ projects, awsCredentials, fetch = globalThis.fetch }: GoogleReach): SecretStore {
  return storeByPlace({
    ...{ listed: projects, called: "Google project", capabilities },
    placeIn: (reference) => parseReference(reference)?.project,
    connect(given) {
      const settings = googleSettings.parse(given);
      const token = federated({ settings, awsCredentials, fetch, nowMs: Date.now });
      const { project, location } = settings;
      return storeOnAliases(secretsOf({ project, location, token, fetch }));
    },
  });
}
