import { NeedsHuman } from "../../core/errors.ts";
import type { ConnectOptions, ProviderCalls } from "../provider.ts";
import { verifyBy } from "../verify-table.ts";
import type { DeclaredVerify } from "./declaration.ts";
import { requestOf } from "./request.ts";
import { credentialValues } from "./template.ts";

/** An issuer without an API for keys: what a person does, and the one call that shows whether a key lives. */
export interface AssistedPlan {
  readonly kind: string;
  readonly console: string;
  readonly baseUrl: string;
  readonly verify: DeclaredVerify;
}

export function connectAssisted(plan: AssistedPlan, { http }: Pick<ConnectOptions, "http">): ProviderCalls {
  const { kind, verify, baseUrl } = plan;
  const byHand = (what: string) => async () => {
    throw new NeedsHuman(`${kind} has no API that ${what}: a person does it at ${plan.console}`);
  };
  return {
    mint: byHand("makes keys"),
    revoke: byHand("deletes keys"),
    // An absent key would count as dead, and nobody can see which keys there are.
    find: byHand("shows a key"),
    // Only policies that watch ask for a list (core/policy.ts); they look for hints and strays, and find none.
    list: async () => [],
    candidates: async () => [],
    verify: (secret) =>
      verifyBy(secret, {
        ...{ http, table: verify.table },
        request: (text) => requestOf(baseUrl, verify, credentialValues("key", text)),
      }),
    use: async () => undefined,
    quarantine: async () => "cannot",
    restore: async () => undefined,
    extend: async () => "cannot",
  };
}
