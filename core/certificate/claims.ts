import type { Evidence } from "../adoption/evidence.ts";

/**
 * How Rekey knows something. `observed`: Rekey, or a platform that Rekey asked, saw it happen. `reported`: a program
 * said it about itself. `attested`: a person stated it.
 */
export type Claim = "observed" | "reported" | "attested";

const strongestFirst: readonly Claim[] = ["observed", "reported", "attested"];

export function claimOf(kind: Evidence["kind"]): Claim {
  switch (kind) {
    case "client":
    case "extension":
    case "agent":
    case "exec":
    case "uncounted":
      return "reported";
    case "ecs":
    case "lambda":
    case "kubernetes":
    case "kms":
    case "copy":
    case "provider":
    case "replicas":
      return "observed";
    case "attestation":
      return "attested";
  }
}

/** A conclusion is worth no more than the weakest claim that it needs; undefined if it rests on none. */
export function weakestOf(claims: readonly Claim[]): Claim | undefined {
  return strongestFirst.findLast((claim) => claims.includes(claim));
}
