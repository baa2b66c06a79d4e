import * as z from "zod";
import { CopyRefused, ProviderUnavailable } from "../../core/errors.ts";
import { assertHolder } from "../../core/rotation/secret-record.ts";
import type { With } from "../deps.ts";
import { refusalsText, whyCopiesUnfit, whyNoCopies } from "../secret/copies.ts";
import { policyOf } from "../secret/run-record.ts";
import { onLambda, step, ticketShape } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { destinations } from "../wiring/parts/destinations.ts";

/**
 * Asks every destination whether the copies could be written now: names, tokens, environments, conflicts. Before a
 * key is made, because afterwards a refusal leaves consumers on a key that nobody may revoke.
 */
export const checkCopies = step({
  name: "check-copies",
  input: z.object(ticketShape),
  run: async (input, deps: With<"destinations">) => {
    const policy = await policyOf(input, deps);
    const { retiring } = assertHolder(await deps.ledger.secret(input.secretArn), input);
    const others = await deps.ledger.policies();
    const unfit = whyCopiesUnfit(policy, { others, destinations: deps.destinations });
    if (unfit.length > 0) throw new CopyRefused(unfit.join("; "));
    const refused = await whyNoCopies({ policy, own: [retiring.fingerprint] }, deps);
    const [silent] = refused.filter(({ refusal }) => refusal.reason === "DestinationSilent");
    const said = refusalsText(refused.filter(({ refusal }) => refusal.reason !== "DestinationSilent"));
    if (said.length > 0) throw new CopyRefused(said.join("; "));
    if (silent !== undefined) throw new ProviderUnavailable(silent.refusal.detail);
    return { outcome: "checked" as const };
  },
});

export const handler = onLambda(checkCopies, wiring({ destinations }));
