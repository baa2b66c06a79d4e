import type { Asked, Call, Known, Operations } from "./asked.ts";
import { dynamoRequests } from "./requests/dynamodb.ts";
import {
  cloudFormationRequests,
  lambdaRequests,
  s3Requests,
  schedulerRequests,
  snsRequests,
  stsRequests,
} from "./requests/http.ts";
import {
  cloudTrailRequests,
  eventBridgeRequests,
  kmsRequests,
  sqsRequests,
  stepFunctionsRequests,
  taggingRequests,
} from "./requests/machines-and-events.ts";
import { secretsManagerRequests } from "./requests/secrets-manager.ts";

/** By a stand-in's target or name, its operations and what each of them asks permission for. */
const services: Readonly<Record<string, Operations>> = {
  secretsmanager: secretsManagerRequests,
  DynamoDB_20120810: dynamoRequests,
  AWSStepFunctions: stepFunctionsRequests,
  AWSEvents: eventBridgeRequests,
  TrentService: kmsRequests,
  CloudTrail_20131101: cloudTrailRequests,
  ResourceGroupsTaggingAPI_20170126: taggingRequests,
  AmazonSQS: sqsRequests,
  lambda: lambdaRequests,
  scheduler: schedulerRequests,
  s3: s3Requests,
  sns: snsRequests,
  sts: stsRequests,
  cloudformation: cloudFormationRequests,
};

/** The permissions that a call needs; undefined for an operation that is in no table here, which nobody may call. */
export function askedBy(call: Call, known: Known): readonly Asked[] | undefined {
  const operations = Object.hasOwn(services, call.service) ? services[call.service] : undefined;
  const ask =
    operations !== undefined && Object.hasOwn(operations, call.operation)
      ? operations[call.operation]
      : undefined;
  return ask?.(call, known);
}
