import type { Alert, AlertIdentity, AlertOutcome } from "../events/alert.ts";
import { issuers } from "./index.ts";

/** A longer name is tried before one that it begins with: "azure-openai" before "azure". */
const names = issuers
  .flatMap(({ kind, aliases = [] }) => [kind, ...aliases].map((name) => ({ kind, compact: compactOf(name) })))
  .sort((one, other) => other.compact.length - one.compact.length);

/** "openai-api-key" and "openai-apikey" are both "openai"; a name that no issuer has stays as it is. */
export function issuerNamed(slug: string): string {
  const compact = compactOf(slug);
  return names.find((known) => compact.startsWith(known.compact))?.kind ?? slug;
}

/** The alerts with each provider under the name that policies and the ledger use. */
export function withIssuerNames<Outcome extends Pick<AlertOutcome, "start" | "append">>(
  outcome: Outcome,
): Outcome {
  return { ...outcome, start: outcome.start.map(renamed), append: outcome.append.map(renamed) };
}

function renamed(alert: Alert): Alert {
  const identity = renamedIdentity(alert.identity);
  return alert.provider === undefined
    ? { ...alert, identity }
    : { ...alert, identity, provider: issuerNamed(alert.provider) };
}

function renamedIdentity(identity: AlertIdentity): AlertIdentity {
  if (identity.kind !== "keyId" && identity.kind !== "hint") return identity;
  return identity.provider === undefined
    ? identity
    : { ...identity, provider: issuerNamed(identity.provider) };
}

function compactOf(name: string): string {
  return name.replaceAll("-", "");
}
