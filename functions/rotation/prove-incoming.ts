import * as z from "zod";
import { KeyNotYetActive, KeyRejected, ProviderUnavailable } from "../../core/errors.ts";
import { asksBeforePromotion } from "../../core/rotation/gate.ts";
import { markProven } from "../../core/rotation/incoming.ts";
import { assertHolder } from "../../core/rotation/secret-record.ts";
import { keyIn } from "../../stores/value.ts";
import type { Deps } from "../deps.ts";
import { tryAdminCredential } from "../secret/canary.ts";
import { noteRun, policyOf } from "../secret/run-record.ts";
import { onLambda, step, ticketShape } from "../step.ts";
import { wiring } from "../wiring/base.ts";

/** Uses the pending key once, read exactly as a consumer would read it. */
export const proveIncoming = step({
  name: "prove-incoming",
  input: z.object(ticketShape),
  run: async (input, deps: Deps) => {
    const policy = await policyOf(input, deps);
    const run = assertHolder(await deps.ledger.secret(input.secretArn), input);
    if (run.phase === "opened") throw new KeyRejected("there is no pending key to prove");
    const proven = { outcome: "proven" as const, hasTerms: asksBeforePromotion(policy, input.rotationId) };
    if (run.phase !== "staged") return proven;

    const { text } = await deps.store.read(input.secretArn, run.incoming.versionId);
    const key = keyIn(text, policy.field);
    const answer = await deps.provider(policy).verify(key);
    switch (answer) {
      case "valid": {
        if (policy.isAdminCredential === true)
          await tryAdminCredential({ ticket: input, policy, credential: key }, deps);
        const proof = { atMs: input.at, keyId: run.incoming.keyId };
        await noteRun({ ticket: input, note: { proof } }, deps);
        await deps.ledger.changeSecret(input.secretArn, (record) => markProven(record, input));
        return proven;
      }
      case "refused":
        throw new KeyNotYetActive(`the provider does not accept key ${run.incoming.keyId} yet`);
      case "notPermitted":
        throw new KeyRejected(`key ${run.incoming.keyId} works, but may not do what its consumers need`);
      case "inconclusive":
        throw new ProviderUnavailable(`the provider gave no clear answer about key ${run.incoming.keyId}`);
    }
  },
});

export const handler = onLambda(proveIncoming, wiring());
