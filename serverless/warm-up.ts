import { compromiseSource, compromiseType } from "../events/compromise.ts";
import { warmUp } from "../functions/warm-up.ts";
import type { Deployment } from "./deployment.ts";
import { logicalName } from "./handlers.ts";
import { type Code, versionId } from "./lambda.ts";
import { arnOf, type Resources } from "./statements.ts";

/** What a leak has to pass until the provider takes the revoke, in the order in which the machine comes to it. */
const upToRevoke = [
  ...["open-incident", "contain-key", "mint-key", "prove-incoming", "promote-version", "note-replacement"],
];

/** Of one rule. */
const targetsMax = 5;

/** A function that an alert did not start in time is started by the machine's call. */
const RetryPolicy = { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 };

/**
 * Rules that start, at each alert, the functions between the alert and the revoke. Without them a leak after a quiet
 * day waits for one start after the other, while the leaked key is alive.
 */
export function warmUpResources(deployment: Deployment, code: Code): Resources {
  const groups = upToRevoke.flatMap((_, index) =>
    index % targetsMax === 0 ? [upToRevoke.slice(index, index + targetsMax)] : [],
  );
  const rules = groups.map((group, index) => ruleOf(group, { index, deployment, code }));
  return Object.assign({}, ...rules);
}

interface Rule {
  readonly index: number;
  readonly deployment: Deployment;
  readonly code: Code;
}

function ruleOf(names: readonly string[], { index, deployment, code }: Rule): Resources {
  const id = `WarmUp${index + 1}Rule`;
  const versions = names.map((name) => ({ name, arn: { Ref: versionId(name, deployment, code) } }));
  return {
    [id]: {
      Type: "AWS::Events::Rule",
      Properties: {
        Name: `rekey-${deployment.environment}-warm-up-${index + 1}`,
        State: "ENABLED",
        EventBusName: { Ref: "AlertBus" },
        EventPattern: {
          source: [compromiseSource],
          "detail-type": [compromiseType],
          detail: { kind: ["start"] },
        },
        Targets: versions.map(({ name, arn }) => ({
          ...{ Id: name, Arn: arn, Input: JSON.stringify(warmUp), RetryPolicy },
        })),
      },
    },
    ...Object.fromEntries(
      versions.map(({ name, arn }) => [
        `WarmUp${logicalName(name)}Permission`,
        {
          Type: "AWS::Lambda::Permission",
          Properties: {
            Action: "lambda:InvokeFunction",
            FunctionName: arn,
            Principal: "events.amazonaws.com",
            SourceArn: arnOf(id),
          },
        },
      ]),
    ),
  };
}
