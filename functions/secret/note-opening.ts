import { gateOpening } from "../../core/certificate/gate-opening.ts";
import { PolicyInvalid } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import { reasonsAsked } from "../../core/rotation/gate.ts";
import type { Deps } from "../deps.ts";
import type { TicketInput } from "../step.ts";
import type { Decision } from "./gate.ts";

/**
 * Keeps what the gate saw, just before the revoke is recorded: evidence goes on changing, and the certificate has to
 * say what the decision rested on. The revoke is recorded only at the `seq` of this look, so an opening that was
 * overtaken is replaced by a later one, and never the other way round.
 */
export async function noteOpening(
  opened: { readonly input: TicketInput; readonly policy: Policy; readonly view: Decision },
  deps: Pick<Deps, "ledger">,
): Promise<void> {
  const { input, policy, view } = opened;
  const { run, evidence, record } = view;
  const opening = gateOpening({
    ...{ policy, evidence, nowMs: input.at, seq: record.seq, asked: reasonsAsked },
    ...{ retiring: run.retiring, incoming: run.incoming, promotedAtMs: run.promotedAtMs },
  });
  await deps.ledger.changeRotation(input, (known) => {
    if (known === undefined) throw new PolicyInvalid(`${input.rotationId} has no record of its opening`);
    return (known.opening?.seq ?? -1) < opening.seq ? { ...known, opening } : known;
  });
}
