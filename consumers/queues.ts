import { SQSClient } from "@aws-sdk/client-sqs";
import { awsPlatforms, bounded, type Elsewhere, perRegion, type Reach, type WorkloadRoles } from "./reach.ts";

/** Refreshing a consumer may need platforms and queues. Asking about one never needs queues. */
export function awsReach(elsewhere: Elsewhere, roles: WorkloadRoles): Reach {
  return {
    ...awsPlatforms(elsewhere, roles),
    sqs: perRegion((region) => new SQSClient({ region, ...bounded })),
  };
}
