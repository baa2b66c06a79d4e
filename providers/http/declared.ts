import * as z from "zod";
import type { PropagationProfile } from "../../core/ports.ts";
import {
  type Issuer,
  type ProviderDocs,
  type ProviderKind,
  parseSettings,
  secretArnSetting,
} from "../provider.ts";
import { baseUrlSetting, hostsOf, ownUrlSetting, propagationSetting } from "../settings.ts";
import { Declaration, type DeclarationData } from "./declaration.ts";
import { makeUpSecret } from "./new-secret.ts";
import { type Plan, planFacts, planHosts } from "./plan.ts";
import { parameterSetting, scopesSetting } from "./settings.ts";

/** For an address that each customer has one of. */
const eachCustomers = "own";

/** A setting that fills the variable of its name; the text says what it is. */
export interface Parameter {
  readonly about: string;
  readonly isOptional?: boolean;
  readonly usual?: string;
}

/** One of our own providers as data: what `kind: http` takes from a policy file, and what is known about the issuer. */
export interface DeclaredIssuer extends Issuer {
  /** Where `keyTexts` does not say how a key looks. */
  readonly neverIssued?: string;
  /** The issuer's own; absent where each customer has one. */
  readonly baseUrl?: string;
  /** Where calls with the key itself go, if elsewhere. `own`: each customer has one. */
  readonly keyBaseUrl?: string;
  readonly tokenBaseUrl?: string;
  readonly parameters?: Readonly<Record<string, Parameter>>;
  readonly propagation?: Partial<PropagationProfile>;
  readonly declaration: DeclarationData;
  readonly docs: ProviderDocs;
}

export interface DeclaredKind extends ProviderKind {
  plan(settings: unknown): Plan;
  readonly parameterNames: readonly string[];
}

export function declaredProvider(issuer: DeclaredIssuer): DeclaredKind {
  const { baseUrl, keyBaseUrl, tokenBaseUrl, declaration: data, propagation, ...statement } = issuer;
  const { newSecret, verify } = data;
  /** Parsed when it is needed: a function that rotates another provider's key starts without it. */
  let declaration: Declaration | undefined;
  const settings = settingsOf(issuer);
  const plan = (block: unknown): Plan => {
    declaration ??= Declaration.parse(data);
    const { propagation: corrected, ...parsed } = parseSettings(settings, block);
    return {
      ...{ kind: issuer.kind, declaration, ...parsed, parameters: parsed as Plan["parameters"] },
      propagation: { ...propagation, ...corrected },
    };
  };
  return {
    ...statement,
    docs: { ...issuer.docs, example: exampleFor(issuer) },
    ...{ plan, parameterNames: Object.keys(issuer.parameters ?? {}), settings, verifyTable: verify.table },
    facts: (block) => planFacts(plan(block)),
    hosts: (block) => planHosts(plan(block)),
    defaultHosts: hostsOf(...[baseUrl, keyBaseUrl, tokenBaseUrl].filter(isUsual)),
    ...(newSecret !== undefined && { newSecret: () => makeUpSecret(newSecret) }),
    async adapter() {
      const { connectPlan } = await import("./adapter.ts");
      return { connect: (options) => connectPlan(plan(options.settings), options) };
    },
  };
}

/** A block with every setting that has to be there, for the page of all providers. */
function exampleFor({ kind, baseUrl, keyBaseUrl, parameters = {} }: DeclaredIssuer) {
  const needed = Object.entries(parameters).filter(([, { isOptional, usual }]) => !isOptional && !usual);
  const own = `https://${kind}.example.com`;
  return {
    ...Object.fromEntries(needed.map(([name]) => [name, `${name}-id`])),
    ...(baseUrl === undefined && { baseUrl: own }),
    ...(keyBaseUrl === eachCustomers && { keyBaseUrl: own }),
  };
}

function isUsual(url: string | undefined): url is string {
  return url !== undefined && url !== eachCustomers;
}

function settingsOf({ baseUrl, keyBaseUrl, tokenBaseUrl, parameters = {} }: DeclaredIssuer) {
  const url = (usual: string | undefined) => (usual === undefined ? ownUrlSetting : baseUrlSetting(usual));
  const own: Record<string, z.ZodType> = Object.fromEntries(
    Object.entries(parameters).map(([name, { isOptional, usual }]) => {
      if (usual !== undefined) return [name, parameterSetting.default(usual)];
      return [name, isOptional ? parameterSetting.exactOptional() : parameterSetting];
    }),
  );
  return z.strictObject({
    ...own,
    adminCredential: secretArnSetting,
    baseUrl: url(baseUrl),
    keyBaseUrl:
      keyBaseUrl === undefined
        ? ownUrlSetting.exactOptional()
        : url(keyBaseUrl === eachCustomers ? undefined : keyBaseUrl),
    tokenBaseUrl: tokenBaseUrl === undefined ? ownUrlSetting.exactOptional() : url(tokenBaseUrl),
    scopes: scopesSetting,
    propagation: propagationSetting,
  });
}
