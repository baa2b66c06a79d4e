import { type InstanceEvidence, isInstance } from "../../core/adoption/evidence.ts";
import { type AdoptionView, blocksUntilMs, isFresh, mayRunUntilMs } from "../../core/adoption/view.ts";
import type { Policy } from "../../core/policy.ts";
import { promotedRun } from "../../core/rotation/secret-record.ts";
import { utcText } from "../../core/utc.ts";
import type { AdminDeps } from "../deps.ts";
import { policyAtGate } from "../secret/run-record.ts";
import { type RefusedAnswer, refused } from "./command.ts";
import { whichSecret } from "./which-secret.ts";

interface Asked {
  readonly secret: string;
  readonly instance: string;
  readonly consumer?: string;
  readonly environment?: string;
  readonly nowMs: number;
}

interface Gone {
  readonly policy: Policy;
  readonly rotationId: string;
  /** What is kept of its reports: those that prove nothing are kept apart. */
  readonly items: readonly InstanceEvidence[];
  /** The last one. */
  readonly item: InstanceEvidence;
  readonly untilMs: number;
}

/** The silent instance for which a revoke waits, or why it may not be forgotten. */
export async function goneInstance(asked: Asked, deps: AdminDeps): Promise<Gone | RefusedAnswer> {
  const found = await whichSecret(asked.secret, deps);
  if ("refusal" in found) return found.refusal;
  const { secretArn, name } = found.policy;
  const record = await deps.ledger.secret(secretArn);
  const run = promotedRun(record.run);
  if (run === undefined) {
    const detail = `no rotation of ${name} waits for its consumers`;
    return refused({
      reason: "NothingToForget",
      detail,
      hint: `see where it stands with \`rekey status ${name}\``,
    });
  }
  const { rotationId } = run;
  const policy = await policyAtGate({ secretArn, rotationId, fence: record.fence }, deps);
  const evidence = await deps.ledger.evidence(secretArn);
  const items = evidence.filter(isInstance).filter((item) => isAsked(item, asked));
  const view = { ...run, policy, nowMs: asked.nowMs, evidence };
  return whichOf({ items, asked, view, name }) ?? goneIn({ items, asked, view, policy, rotationId });
}

function isAsked(item: InstanceEvidence, { instance, consumer, environment }: Asked): boolean {
  if (item.instance !== instance || item.unproven === "jump") return false;
  if (consumer !== undefined && item.consumer !== consumer) return false;
  return environment === undefined || item.environment === environment;
}

interface Looking {
  readonly items: readonly InstanceEvidence[];
  readonly asked: Asked;
  readonly view: AdoptionView;
}

function whichOf({
  items,
  asked: { instance },
  name,
}: Looking & { readonly name: string }): RefusedAnswer | undefined {
  const owners = [...new Set(items.map(({ consumer, environment }) => `${consumer} in ${environment}`))];
  if (owners.length === 1) return undefined;
  if (owners.length === 0)
    return refused({
      reason: "UnknownInstance",
      detail: `no instance ${JSON.stringify(instance)} has reported about ${name}`,
      hint: `see them with \`rekey consumers ${name}\``,
    });
  const detail = `${instance} is an instance of ${owners.join(" and of ")}`;
  return refused({
    reason: "AmbiguousInstance",
    detail,
    hint: "say which with --consumer and --environment",
  });
}

function goneIn({
  items,
  asked,
  view,
  policy,
  rotationId,
}: Looking & Pick<Gone, "policy" | "rotationId">): Gone | RefusedAnswer {
  const inTheWay = items.filter((item) => blocksUntilMs(item, view) !== undefined);
  const [item] = inTheWay.toSorted((one, other) => other.observedAtMs - one.observedAtMs);
  if (item === undefined)
    return refused({
      reason: "NotInTheWay",
      detail: `the revoke does not wait for ${asked.instance}`,
      hint: `see what it waits for with \`rekey consumers ${policy.name}\``,
    });
  if (inTheWay.some((one) => isFresh(one, view)))
    return refused({
      reason: "SeenLately",
      detail: `${asked.instance} reported at ${utcText(item.observedAtMs)}, and may run until ${utcText(mayRunUntilMs(item, view))} without another report`,
      hint: "end it with its last report, or forget it after that",
    });
  const untilMs = Math.max(...inTheWay.map((one) => blocksUntilMs(one, view) ?? 0));
  return { policy, rotationId, items: inTheWay, item, untilMs };
}
