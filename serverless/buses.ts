import type { Deployment } from "./deployment.ts";
import { functions } from "./functions.ts";
import { roleName } from "./roles.ts";
import { arnOf, type Resources, sub, type Value } from "./statements.ts";

/** A consumer's name is part of its source; clients before 0.2 send it without one. */
export const reportSources = ["rekey.consumer", "rekey.consumer.*"];
/** The tag on a consumer's role says which name is its own. */
const ownSource = `rekey.consumer.\${aws:PrincipalTag/rekey-consumer}`;

/**
 * Rekey's own bus, the bus for consumers' reports and the bus for alerts. A principal of this account may put
 * events on every bus that its own role allows, so what does not belong on a bus has to be denied explicitly.
 */
export function busResources(deployment: Deployment): Resources {
  const { environment, consumerAccounts } = deployment;
  return {
    Bus: bus(`rekey-${environment}`),
    ReportBus: bus(`rekey-reports-${environment}`),
    AlertBus: bus(`rekey-alerts-${environment}`),
    ReportsFromConsumers: busPolicy("ReportBus", `ReportsFromConsumers-${environment}`, {
      Effect: "Allow",
      Principal: { AWS: [{ Ref: "AWS::AccountId" }, ...consumerAccounts] },
      Condition: {
        StringLike: { "events:source": reportSources },
        StringEquals: { "events:detail-type": "ConsumerReport" },
      },
    }),
    NoOtherSource: busPolicy("ReportBus", `NoOtherSource-${environment}`, {
      Effect: "Deny",
      Principal: "*",
      Condition: { StringNotLike: { "events:source": reportSources } },
    }),
    // Without the tag nobody may put a named source: only what an older client sends, which proves nothing.
    OnlyOwnName: busPolicy("ReportBus", `OnlyOwnName-${environment}`, {
      Effect: "Deny",
      Principal: "*",
      Condition: { StringNotEquals: { "events:source": ["rekey.consumer", ownSource] } },
    }),
    NoOtherReport: busPolicy("ReportBus", `NoOtherReport-${environment}`, {
      Effect: "Deny",
      Principal: "*",
      Condition: { StringNotEquals: { "events:detail-type": "ConsumerReport" } },
    }),
    AlertsFromIntake: busPolicy("AlertBus", `AlertsFromIntake-${environment}`, {
      Effect: "Deny",
      Principal: "*",
      Condition: {
        StringNotEquals: {
          "aws:PrincipalArn": alertRoles(deployment),
        },
      },
    }),
  };
}

/** By name: a policy that refers to a role would prevent the deletion of its function. */
function alertRoles(deployment: Deployment): readonly Value[] {
  return Object.entries(functions)
    .filter(([, { publishes = [] }]) => publishes.includes("AlertBus"))
    .map(([name]) =>
      sub(
        `arn:\${AWS::Partition}:iam::\${AWS::AccountId}:role${deployment.rolePath}${roleName(name, deployment)}`,
      ),
    );
}

function bus(name: string) {
  return { Type: "AWS::Events::EventBus", Properties: { Name: name } };
}

/** CloudFormation takes a statement's id for its name in the account and Region, over all stacks. */
function busPolicy(
  busId: string,
  statementId: string,
  rule: {
    readonly Effect: "Allow" | "Deny";
    readonly Principal: unknown;
    readonly Condition: Readonly<Record<string, Readonly<Record<string, Value | readonly Value[]>>>>;
  },
) {
  const Statement = { ...rule, Action: "events:PutEvents", Resource: arnOf(busId) };
  return {
    Type: "AWS::Events::EventBusPolicy",
    Properties: { EventBusName: { Ref: busId }, StatementId: statementId, Statement },
  };
}
