import * as z from "zod";
import { ProviderUnavailable } from "../../core/errors.ts";
import { markSeenPromoted } from "../../core/rotation/incoming.ts";
import { assertPromoted } from "../../core/rotation/secret-record.ts";
import { keyIn } from "../../stores/value.ts";
import type { With } from "../deps.ts";
import { refusalsText } from "../secret/copies.ts";
import { writeCopies as writeAll } from "../secret/copies-writing.ts";
import { policyAtGate } from "../secret/run-record.ts";
import { onLambda, step, ticketShape } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { destinations } from "../wiring/parts/destinations.ts";

/**
 * Writes the incoming key to every destination under its consumer's own name, and starts what makes it used. A place
 * that refuses is named, and the gate waits for it; one that does not answer is tried again.
 */
export const writeCopies = step({
  name: "write-copies",
  input: z.object(ticketShape),
  run: async (input, deps: With<"destinations">) => {
    const { secretArn, at } = input;
    const policy = await policyAtGate(input, deps);
    const record = await deps.ledger.changeSecret(secretArn, (now) =>
      markSeenPromoted(now, input, { atMs: at }),
    );
    const { incoming, retiring } = assertPromoted(record, input);
    const { text } = await deps.store.read(secretArn, incoming.versionId);
    const writing = { ticket: input, policy, incoming, retiring, text: keyIn(text, policy.field), atMs: at };
    const refused = await writeAll(writing, deps);
    const final = refused.filter(({ refusal }) => refusal.reason !== "DestinationSilent");
    const [silent] = refused.filter(({ refusal }) => refusal.reason === "DestinationSilent");
    if (silent !== undefined) throw new ProviderUnavailable(`${silent.copy.to}: ${silent.refusal.detail}`);
    if (final.length === 0) return { outcome: "written" as const, refused: [] };
    const said = refusalsText(final);
    return { outcome: "refused" as const, refused: said, reason: said[0] };
  },
});

export const handler = onLambda(writeCopies, wiring({ destinations }));
