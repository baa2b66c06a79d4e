import type { Deployment } from "./deployment.ts";
import type { FunctionRow } from "./function-row.ts";
import { logicalName } from "./handlers.ts";
import {
  arnOf,
  localArn,
  machineArn,
  type Resources,
  secretArns,
  sub,
  tagged,
  type Value,
} from "./statements.ts";

type Trigger = Exclude<
  NonNullable<FunctionRow["calledBy"]>,
  "secretsManager" | "callerUrl" | "publicUrl" | "admin"
>;

/** A pattern holds 2,048 characters, and an ARN with its name is at most some 140. */
const prefixesMax = 10;

/** A day of retries with backoff, then the dead-letter queue: nothing is lost overnight. */
const RetryPolicy = { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 };

/** Single paths instead of <aws.events.event>, which leaves the detail out. */
const envelope = { account: "$.account", time: "$.time", detail: "$.detail" };
const eventText = '{"account":<account>,"time":<time>,"detail":<detail>}';
/** A consumer's name is part of its source. */
const reportText = '{"account":<account>,"time":<time>,"source":<source>,"detail":<detail>}';

function pathsIn(template: Value): Readonly<Record<string, string>> {
  return JSON.stringify(template).includes("<source>") ? { ...envelope, source: "$.source" } : envelope;
}

/** What a rule listens to, and what it makes of the event for its function. */
interface Rule {
  readonly ScheduleExpression?: string;
  readonly EventBusName?: Value;
  readonly EventPattern?: Readonly<Record<string, unknown>>;
  readonly State?: "ENABLED" | "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS";
  readonly InputTemplate?: Value;
}

/** The rule that makes a function run, and its permission to. None for a function behind a URL or a machine. */
export function ruleResources(name: string, { calledBy }: FunctionRow, deployment: Deployment): Resources {
  if (calledBy === undefined || calledBy === "callerUrl" || calledBy === "publicUrl") return {};
  if (calledBy === "admin") return {};
  if (calledBy === "secretsManager") return rotationPermission(name);
  const { InputTemplate, ...heard } = rules[calledBy](deployment);
  const Name = `rekey-${deployment.environment}-${name}`;
  const id = logicalName(name);
  const Arn = arnOf(`${id}LambdaFunction`);
  return {
    [`${id}Rule`]: {
      Type: "AWS::Events::Rule",
      Properties: {
        Name,
        State: "ENABLED",
        ...heard,
        Targets: [
          {
            Id: name,
            Arn,
            ...(InputTemplate !== undefined && {
              InputTransformer: { InputPathsMap: pathsIn(InputTemplate), InputTemplate },
            }),
            RetryPolicy,
            DeadLetterConfig: { Arn: arnOf("RuleDeadLetters") },
          },
        ],
      },
    },
    [`${id}RulePermission`]: {
      Type: "AWS::Lambda::Permission",
      Properties: {
        Action: "lambda:InvokeFunction",
        FunctionName: Arn,
        Principal: "events.amazonaws.com",
        SourceArn: arnOf(`${id}Rule`),
      },
    },
  };
}

/** Secrets Manager invokes it for secrets of this account; the function itself asks whether it is theirs. */
function rotationPermission(name: string): Resources {
  const id = logicalName(name);
  return {
    [`${id}Permission`]: {
      Type: "AWS::Lambda::Permission",
      Properties: {
        Action: "lambda:InvokeFunction",
        FunctionName: arnOf(`${id}LambdaFunction`),
        Principal: "secretsmanager.amazonaws.com",
        SourceAccount: { Ref: "AWS::AccountId" },
      },
    },
  };
}

const rules: Readonly<Record<Trigger, (deployment: Deployment) => Rule>> = {
  clock: () => ({ ScheduleExpression: "rate(15 minutes)" }),

  everyMinute: () => ({ ScheduleExpression: "rate(1 minute)" }),

  everyHour: () => ({ ScheduleExpression: "rate(1 hour)" }),

  everyDay: () => ({ ScheduleExpression: "rate(1 day)" }),

  executionStatus: ({ environment }) => ({
    EventPattern: {
      source: ["aws.states"],
      "detail-type": ["Step Functions Execution Status Change"],
      detail: { status: ["FAILED", "TIMED_OUT", "ABORTED"], stateMachineArn: machineArns(environment) },
    },
  }),

  alertBus: () => ({
    EventBusName: { Ref: "AlertBus" },
    EventPattern: { source: ["rekey.intake"], "detail-type": ["KeyCompromised", "PageAcknowledged"] },
  }),

  reportBus: ({ environment }) => ({
    EventBusName: { Ref: "ReportBus" },
    EventPattern: { source: [{ prefix: "rekey.consumer" }], "detail-type": ["ConsumerReport"] },
    // The environment is set by this rule, never by the reporter.
    InputTemplate: `{"environment":"${environment}","event":${reportText}}`,
  }),

  rotateCalls: () => ({
    EventPattern: {
      source: ["aws.secretsmanager"],
      "detail-type": ["AWS API Call via CloudTrail"],
      detail: { eventName: ["RotateSecret"] },
    },
  }),

  /**
   * Reads of rotated secrets, and of nothing else that KMS decrypts. CloudTrail's records of reading calls reach
   * only rules in this state.
   */
  decryptRecords: ({ environment, secrets, rolePath }) => ({
    State: "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
    EventPattern: {
      source: ["aws.kms"],
      "detail-type": ["AWS API Call via CloudTrail"],
      detail: {
        eventName: ["Decrypt"],
        requestParameters: {
          encryptionContext: {
            SecretARN: prefixesOf(secrets),
          },
        },
      },
    },
    InputTemplate: sub(
      `{"environment":"${environment}","own":["arn:\${AWS::Partition}:iam::\${AWS::AccountId}:role${rolePath}rekey-${environment}-"],"event":${eventText}}`,
    ),
  }),
};

function machineArns(environment: string): readonly Value[] {
  return ["rotation", "compromise"].map((machine) => machineArn(environment, machine));
}

/** Where names would be more than a pattern holds, every secret of the account: the ledger knows which it rotates. */
function prefixesOf(secrets: readonly string[]) {
  const named = secrets.includes(tagged) ? [] : secretArns(secrets);
  const every = localArn("secretsmanager", "secret:");
  const prefixes = named.length === 0 || named.length > prefixesMax ? [every] : named;
  return prefixes.map((arn) => ({ prefix: beforeWildcard(arn) }));
}

/** The part of an IAM pattern before its wildcard, for EventBridge's prefix match. */
function beforeWildcard(arn: Value): Value {
  if (typeof arn === "string") return arn.replace(/\*.*$/, "");
  return sub(String(arn["Fn::Sub"]).replace(/[*?].*$/, ""));
}
