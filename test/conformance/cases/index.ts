import type { ConformanceCase } from "../case.ts";
import { callbackCases } from "./callbacks.ts";
import { cloudTrailCases } from "./cloudtrail.ts";
import { eventBridgeCases } from "./event-bridge.ts";
import { kmsCases } from "./kms.ts";
import { lambdaCases } from "./lambda.ts";
import { recordedDifferences } from "./recorded-differences.ts";
import { s3Cases } from "./s3.ts";
import { schedulerCases } from "./scheduler.ts";
import { secretsManagerCases } from "./secrets-manager.ts";
import { labelCases } from "./secrets-manager-labels.ts";
import { tokenCases } from "./secrets-manager-tokens.ts";
import { snsCases } from "./sns.ts";
import { sqsCases } from "./sqs.ts";
import { stepFunctionsCases } from "./step-functions.ts";

/** Every case; one line per file. */
export const cases: readonly ConformanceCase[] = [
  ...stepFunctionsCases,
  ...callbackCases,
  ...eventBridgeCases,
  ...schedulerCases,
  ...lambdaCases,
  ...secretsManagerCases,
  ...labelCases,
  ...tokenCases,
  ...s3Cases,
  ...snsCases,
  ...sqsCases,
  ...cloudTrailCases,
  ...kmsCases,
  ...recordedDifferences,
];
