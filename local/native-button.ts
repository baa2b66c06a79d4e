import { randomUUID } from "node:crypto";
import { RotateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { CloudTrailRecord } from "./aws/cloudtrail-record.ts";
import type { Demonstration } from "./demonstration.ts";
import type { Screen } from "./screen.ts";
import { clientAs } from "./world.ts";

const everyDays = 30;

/** What the console's button does, and `aws secretsmanager rotate-secret`. */
export async function pressButton({ cloud, secretArn }: Demonstration, shown: Screen): Promise<void> {
  shown.say("somebody presses the button of Secrets Manager: aws secretsmanager rotate-secret");
  const press = new RotateSecretCommand({
    SecretId: secretArn,
    ClientRequestToken: randomUUID(),
    RotationLambdaARN: cloud.outputs["RotationFunctionArn"],
    RotationRules: { AutomaticallyAfterDays: everyDays },
  });
  await new SecretsManagerClient(clientAs(cloud, "administrator")).send(press);
}

/** Who put the key and who moved the label, as CloudTrail has it: the bridge the one, the machine's promotion the other. */
export async function complaintsOfButton({
  cloud,
  ledger,
  secretArn,
}: Demonstration): Promise<readonly string[]> {
  const named = (eventName: string) => cloud.trail.filter((record) => record.eventName === eventName);
  const moves = named("UpdateSecretVersionStage").filter(
    ({ requestParameters }) => requestParameters?.["versionStage"] === "AWSCURRENT",
  );
  const byOther = (records: readonly CloudTrailRecord[], name: string) =>
    records.filter(({ userIdentity }) => userIdentity.arn?.includes(name) !== true).length;
  const runs = await ledger.rotations(secretArn);
  const isCallerKnown = runs.some(({ trigger }) => /called by arn:/.test(trigger));
  return [
    ...(isCallerKnown ? [] : ["the rotation does not say who pressed the button, although CloudTrail does"]),
    ...(byOther(moves, "promote-version") === 0 && moves.length > 0
      ? []
      : ["AWSCURRENT was moved by something else than the promotion of the machine"]),
    ...(byOther(named("PutSecretValue"), "native-bridge") === 0
      ? []
      : ["the key was put by something else than the rotation function"]),
    ...(named("RotationSucceeded").length === 1
      ? []
      : ["Secrets Manager does not call the rotation a success"]),
    ...(named("RotationAbandoned").length === 0 ? [] : ["Secrets Manager abandoned the rotation"]),
  ];
}
