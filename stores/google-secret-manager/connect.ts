import { InputInvalid, PolicyInvalid } from "../../core/errors.ts";
import type { SecretStore } from "../../core/ports.ts";
import { routed } from "../routed.ts";
import type { GoogleReach } from "../store.ts";
import { capabilities } from "./capabilities.ts";
import { federated } from "./federation.ts";
import { parseReference } from "./reference.ts";
import { secretsOf } from "./secrets.ts";
import { googleSettings } from "./settings.ts";
import { storeOnAliases } from "./store.ts";

/** One store of all projects: which one a secret is in, its reference says, and what that is, the deployment. */
export function connect({ projects, awsCredentials, fetch = globalThis.fetch }: GoogleReach): SecretStore {
  const made = new Map<string, SecretStore>();
  const at = (reference: string): SecretStore => {
    const project = parseReference(reference)?.project;
    if (project === undefined) throw new InputInvalid("this is no reference of a secret of Google's");
    const known = made.get(project);
    if (known !== undefined) return known;
    const given = Object.hasOwn(projects, project) ? projects[project] : undefined;
    if (given === undefined)
      throw new PolicyInvalid(`the deployment lists no Google project called ${project}`);
    const settings = googleSettings.parse(given);
    const token = federated({ settings, awsCredentials, fetch, nowMs: Date.now });
    const store = storeOnAliases(secretsOf({ project: settings.project, token, fetch }));
    made.set(project, store);
    return store;
  };
  return { ...routed(at, () => capabilities), nativeRotation: async () => undefined };
}
