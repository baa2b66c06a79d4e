import { SQSClient } from "@aws-sdk/client-sqs";
import { awsPlatforms, bounded, type Elsewhere, perRegion, type Reach } from "./reach.ts";

/** Refreshing a consumer may need platforms and queues. Asking about one never needs queues. */
export function awsReach(elsewhere: Elsewhere): Reach {
  return { ...awsPlatforms(elsewhere), sqs: perRegion((region) => new SQSClient({ region, ...bounded })) };
}
