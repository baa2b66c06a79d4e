import { deploymentChain } from "../../audit/chain.ts";
import { intakeChains } from "../../audit/intake-log.ts";
import { together } from "../../consumers/together.ts";
import { RotationError } from "../../core/errors.ts";
import type { AnchorDeps } from "../deps.ts";
import { metricLine } from "../metrics.ts";
import type { Handler } from "../step.ts";
import { anchorWiring } from "../wiring/audit.ts";

const atOnceMax = 8;

export const handler: Handler = () => anchorAudit(anchorWiring());

/**
 * Signs the newest entry of every audit log and stores it, locked, outside the ledger. A log that contradicts
 * its checkpoint is not signed but counted; a log that cannot be read is tried again by the next run. Neither
 * stops the others.
 */
export async function anchorAudit(deps: AnchorDeps) {
  // A secret that left the policy has a log too, and gets new entries if its key leaks. A log that only its
  // checkpoints know of was deleted, together with what named it: it is broken.
  const secrets = [...(await deps.ledger.policies()), ...(await deps.ledger.formerSecrets())];
  const known = [...secrets.map(({ secretArn }) => secretArn), deploymentChain, ...intakeChains];
  const chains = [...new Set([...known, ...(await deps.checkpoints.chains())])];
  const ends = await together(chains, { atOnceMax, work: (chain) => anchor(chain, deps) });
  const count = (end: (typeof ends)[number]) => ends.filter((each) => each === end).length;
  const counted = { anchored: count("anchored"), broken: count("broken"), failed: count("failed") };
  const metrics = {
    AuditLogsBroken: counted.broken,
    // On failure the heartbeat metric is left out instead of set to zero, so that the alarm treats it like a
    // function that did not run.
    ...(counted.failed === 0 && { AuditAnchored: 1 }),
  };
  const outcome = counted.broken > 0 ? "broken" : counted.failed > 0 ? "partly" : "anchored";
  const point = { environment: deps.environment, atMs: deps.clock.nowMs(), metrics };
  deps.log({ step: "anchor-audit", outcome, chains: chains.length, ...counted, ...metricLine(point) });
  return { outcome, chains: chains.length, ...counted } as const;
}

async function anchor(
  chain: string,
  { checkpoints, log }: AnchorDeps,
): Promise<"anchored" | "unchanged" | "broken" | "failed"> {
  const line = { step: "anchor-audit", chain };
  try {
    const anchoring = await checkpoints.write(chain);
    if (anchoring.outcome === "anchored") log({ ...line, outcome: "signed", seq: anchoring.checkpoint.seq });
    if (anchoring.outcome === "broken") log({ ...line, ...anchoring });
    return anchoring.outcome;
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    log({ ...line, outcome: "failed", error: error.name, reason: error.message });
    return "failed";
  }
}
