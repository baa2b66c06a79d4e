import { AdminCredentialRefused, ProviderUnavailable } from "../core/errors.ts";
import type { DeclaredKind } from "../events/policy-file.ts";
import type { Http } from "./http.ts";
import { providers } from "./index.ts";
import type { AdminCredential, ProviderKind } from "./provider.ts";

/** Every kind of issuer as a policy file sees it: settings and capabilities, with no way to make a call. */
export const declaredKinds: Readonly<Record<string, DeclaredKind>> = Object.fromEntries(
  Object.entries(providers).map(([name, kind]) => [name, declared(kind)]),
);

const nobody: AdminCredential = {
  get: () => Promise.reject(new AdminCredentialRefused("no credential is used to read a policy")),
  refused: () => undefined,
};

const nowhere: Http = {
  send: () => Promise.reject(new ProviderUnavailable("no call is made to read a policy")),
};

function declared(kind: ProviderKind): DeclaredKind {
  return {
    settings: kind.settings,
    facts(settings) {
      const { capabilities, propagation } = kind.create({ settings, admin: nobody, http: nowhere });
      return { capabilities, propagation };
    },
  };
}
