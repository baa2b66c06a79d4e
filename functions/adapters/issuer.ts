import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import * as z from "zod";
import { failureIn } from "../../aws/failure.ts";
import { NeedsHuman, StoreUnavailable } from "../../core/errors.ts";
import type { Issuer } from "../deps.ts";

const Failed = z.object({
  errorType: z
    .string()
    .regex(/^[A-Za-z]{1,64}$/)
    .catch("UnexpectedFailure"),
  errorMessage: z.string().max(2_000).catch("it says no more"),
});

/** What may help if it is tried again in a moment. */
const later: ReadonlySet<string> = new Set([
  ...["StoreUnavailable", "LedgerContended", "ProviderUnavailable", "ProviderThrottled", "ProviderGarbled"],
  ...["AccountBusy", "MintOutcomeUnknown", "Superseded"],
]);

export function lambdaIssuer(client: Pick<LambdaClient, "send">, functionName: string): Issuer {
  return {
    async make(name) {
      const Payload = Buffer.from(JSON.stringify({ issue: name }));
      const answer = await client
        .send(new InvokeCommand({ FunctionName: functionName, Payload }))
        .catch((error: unknown) => {
          const { name: reason } = failureIn(error);
          throw new StoreUnavailable(
            `${functionName} did not answer (${reason}); asked again, it goes on where it was`,
          );
        });
      if (answer.FunctionError === undefined) return;
      const { errorType, errorMessage } = Failed.parse(jsonIn(answer.Payload));
      if (later.has(errorType)) throw new StoreUnavailable(`${errorType}: ${errorMessage}`);
      throw new NeedsHuman(`${errorType}: ${errorMessage}`);
    },
  };
}

function jsonIn(payload: Uint8Array | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(payload ?? []).toString("utf8"));
  } catch {
    return {};
  }
}
