import { SQSClient } from "@aws-sdk/client-sqs";
import { awsPlatforms, bounded, type Elsewhere, perRegion, type Reach } from "./reach.ts";

/** Platforms and queues: what refreshes consumers may need, and what only asks about them does not. */
export function awsReach(elsewhere: Elsewhere): Reach {
  return { ...awsPlatforms(elsewhere), sqs: perRegion((region) => new SQSClient({ region, ...bounded })) };
}
