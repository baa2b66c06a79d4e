import { LambdaClient } from "@aws-sdk/client-lambda";
import { awsBounds } from "../../../aws/bounds.ts";
import { lambdaIssuer } from "../../adapters/issuer.ts";
import type { Issuer } from "../../deps.ts";

/** Longer than that function may take, and shorter than the one that waits for it. One try: a second one would find the first at work. */
const requestTimeout = 40_000;

export function connectIssuer(environment: string): Issuer {
  const requestHandler = { ...awsBounds.requestHandler, requestTimeout, socketTimeout: requestTimeout };
  const client = new LambdaClient({ ...awsBounds, maxAttempts: 1, requestHandler });
  return lambdaIssuer(client, `rekey-${environment}-issue-key`);
}
