import type { Deployment } from "./deployment.ts";
import type { FunctionRow } from "./functions.ts";
import { logicalName } from "./handlers.ts";
import { arnOf, localArn, machineArn, type Resources, secretArns, sub, type Value } from "./statements.ts";

type Trigger = NonNullable<FunctionRow["calledBy"]>;

/** A day of retries with backoff, then the dead letters: nothing is lost while a person sleeps. */
const ageMaxSeconds = 86_400;
const attemptsMax = 185;
const retryPolicy = { maximumEventAge: ageMaxSeconds, maximumRetryAttempts: attemptsMax };

/** A function that was called without a caller who waits: what it could not do after three tries is kept. */
const keptWhenFailed = {
  maximumRetryAttempts: 2,
  maximumEventAge: 21_600,
  destinations: { onFailure: { type: "sqs", arn: arnOf("FunctionDeadLetters") } },
};

/** What makes a function run, as osls writes it. */
export function eventsOf(name: string, trigger: Trigger, deployment: Deployment) {
  if (trigger === "callerUrl") return { url: { authorizer: "aws_iam" } };
  if (trigger === "publicUrl") return { url: true };
  if (trigger === "decryptRecords") return keptWhenFailed;
  const rule = {
    name: `rekey-${deployment.environment}-${name}`,
    ...rules[trigger](deployment),
    retryPolicy,
    deadLetterQueueArn: arnOf("RuleDeadLetters"),
  };
  return { events: [{ eventBridge: rule }], ...keptWhenFailed };
}

/** Paths, and not <aws.events.event>, which leaves the detail out. */
const envelope = { account: "$.account", time: "$.time", detail: "$.detail" };
const eventText = '{"account":<account>,"time":<time>,"detail":<detail>}';

const rules: Readonly<
  Record<Exclude<Trigger, "callerUrl" | "publicUrl" | "decryptRecords">, (deployment: Deployment) => object>
> = {
  clock: () => ({ schedule: "rate(15 minutes)" }),

  everyHour: () => ({ schedule: "rate(1 hour)" }),

  everyDay: () => ({ schedule: "rate(1 day)" }),

  executionStatus: ({ environment }) => ({
    pattern: {
      source: ["aws.states"],
      "detail-type": ["Step Functions Execution Status Change"],
      detail: {
        status: ["FAILED", "TIMED_OUT", "ABORTED"],
        stateMachineArn: machineArns(environment),
      },
    },
  }),

  alertBus: () => ({
    eventBus: { Ref: "AlertBus" },
    pattern: { source: ["rekey.intake"], "detail-type": ["KeyCompromised"] },
  }),

  reportBus: ({ environment }) => ({
    eventBus: { Ref: "ReportBus" },
    pattern: { source: ["rekey.consumer"], "detail-type": ["ConsumerReport"] },
    // The environment is this rule's word, never the reporter's.
    inputTransformer: {
      inputPathsMap: envelope,
      inputTemplate: `{"environment":"${environment}","event":${eventText}}`,
    },
  }),
};

function machineArns(environment: string): readonly Value[] {
  return ["rotation", "compromise"].map((machine) => machineArn(environment, machine));
}

const readRecorder = "record-read";

/**
 * The rule on reads of rotated secrets, and of nothing else that KMS decrypts. CloudTrail's records of reading
 * calls reach only rules in this state, which the packager has no word for; so its rule is written out here.
 */
export function decryptRule({ environment, secrets }: Deployment): Resources {
  const Name = `rekey-${environment}-${readRecorder}`;
  const target = `${logicalName(readRecorder)}LambdaFunction`;
  const SecretARN = secretArns(secrets).map((arn) => ({ prefix: beforeWildcard(arn) }));
  const own = `"arn:\${AWS::Partition}:iam::\${AWS::AccountId}:role/rekey-${environment}-"`;
  return {
    DecryptRule: {
      Type: "AWS::Events::Rule",
      Properties: {
        Name,
        State: "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
        EventPattern: {
          source: ["aws.kms"],
          "detail-type": ["AWS API Call via CloudTrail"],
          detail: { eventName: ["Decrypt"], requestParameters: { encryptionContext: { SecretARN } } },
        },
        Targets: [
          {
            Id: readRecorder,
            Arn: arnOf(target),
            InputTransformer: {
              InputPathsMap: envelope,
              InputTemplate: sub(`{"environment":"${environment}","own":[${own}],"event":${eventText}}`),
            },
            RetryPolicy: { MaximumEventAgeInSeconds: ageMaxSeconds, MaximumRetryAttempts: attemptsMax },
            DeadLetterConfig: { Arn: arnOf("RuleDeadLetters") },
          },
        ],
      },
    },
    DecryptRulePermission: {
      Type: "AWS::Lambda::Permission",
      Properties: {
        Action: "lambda:InvokeFunction",
        FunctionName: arnOf(target),
        Principal: "events.amazonaws.com",
        SourceArn: localArn("events", `rule/${Name}`),
      },
    },
  };
}

/** A pattern of IAM's as the prefix that EventBridge compares. */
function beforeWildcard(arn: Value): Value {
  if (typeof arn === "string") return arn.replace(/\*.*$/, "");
  return sub(String(arn["Fn::Sub"]).replace(/[*?].*$/, ""));
}
