import * as z from "zod";
import { deploymentChain } from "../../audit/chain.ts";
import { nearest } from "../../core/nearest.ts";
import type { Policy } from "../../core/policy.ts";
import { isReference } from "../../stores/index.ts";
import type { AdminDeps } from "../deps.ts";
import { type RefusedAnswer, refused } from "./command.ts";
import { secretText } from "./inputs.ts";
import { whichSecret } from "./which-secret.ts";

/** What a stop applies to: exactly one of these. */
export const scopeShape = {
  all: z.literal(true).optional(),
  provider: z.string().min(1).max(64).optional(),
  environment: z.string().min(1).max(64).optional(),
  secret: secretText.optional(),
};

export interface ScopeAsked {
  readonly all?: true | undefined;
  readonly provider?: string | undefined;
  readonly environment?: string | undefined;
  readonly secret?: string | undefined;
}

export interface Scope {
  /** The scope as a stop stores it. */
  readonly scope: string;
  readonly covered: readonly Policy[];
}

/** A stop of one secret is logged in that secret's log, a wider one in the deployment's log. */
export function chainOf({ scope }: Pick<Scope, "scope">): string {
  return isReference(scope) ? scope : deploymentChain;
}

/**
 * The scope under which such a stop was stored, even if no policy matches any more; undefined for a secret's
 * name.
 */
export function scopeNamed({ all, provider, environment, secret }: ScopeAsked): string | undefined {
  if (all) return "all";
  if (provider !== undefined) return `provider/${provider}`;
  if (environment !== undefined) return `environment/${environment}`;
  return secret !== undefined && isReference(secret) ? secret : undefined;
}

/** A stop that matches nothing because of a typing mistake would be worse than none, so it is refused. */
export async function whichScope(
  asked: ScopeAsked,
  deps: AdminDeps,
): Promise<Scope | { readonly refusal: RefusedAnswer }> {
  const given = [asked.all, asked.provider, asked.environment, asked.secret].filter(
    (one) => one !== undefined,
  );
  if (given.length !== 1) {
    const detail = "say what to stop: --all, --provider, --environment or one secret";
    return { refusal: refused({ reason: "ScopeUnclear", detail }) };
  }
  if (asked.secret !== undefined) {
    const found = await whichSecret(asked.secret, deps);
    if ("refusal" in found) return found;
    return { scope: found.policy.secretArn, covered: [found.policy] };
  }
  const policies = await deps.ledger.policies();
  if (asked.all) return { scope: "all", covered: policies };
  const [word, name, nameIn] =
    asked.provider === undefined
      ? (["environment", asked.environment ?? "", environmentOf] as const)
      : (["provider", asked.provider, accountOf] as const);
  const covered = policies.filter((policy) => nameIn(policy) === name);
  if (covered.length > 0) return { scope: `${word}/${name}`, covered };
  const meant = nearest(name, policies.map(nameIn));
  const detail = `no policy has the ${word} ${JSON.stringify(name)}`;
  const hint = meant === undefined ? undefined : `did you mean ${meant}?`;
  return { refusal: refused({ reason: "UnknownScope", detail, ...(hint !== undefined && { hint }) }) };
}

const environmentOf = ({ environment }: Policy): string => environment;
const accountOf = ({ provider }: Policy): string => provider.account;
