import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const outputNames = [
  "AdminUrl",
  "AdminFunctionArn",
  "RotationFunctionArn",
  "IntakeUrl",
  "PermitUrl",
  "TableName",
  "RotationMachineArn",
  "CompromiseMachineArn",
  "ReportBusArn",
  "AuditBucketName",
  "AuditKeyArn",
  "AlarmTopicArn",
  "SweepFunctionName",
  "KitFunctionName",
  "Configured",
  "ReaderPolicyArn",
  "OperatorPolicyArn",
  "SupplierPolicyArn",
  "AuditorPolicyArn",
  "ConsumerPolicyArn",
  "DeveloperGuardPolicyArn",
] as const;

/** What the stack gives on; docs/deploy.md and the template itself say what each is. */
export type OutputName = (typeof outputNames)[number];

export interface Release {
  readonly templateFile: string;
  readonly outputs: readonly OutputName[];
  /** By its name in the template, each function's zip on this disk. */
  readonly functions: readonly { readonly id: string; readonly zip: string }[];
}

interface Template {
  readonly Metadata?: { readonly Rekey?: { readonly Environment?: string } };
  readonly Resources: Readonly<
    Record<
      string,
      {
        readonly Type: string;
        readonly Properties?: { readonly Code?: { readonly S3Key?: { readonly "Fn::Sub"?: string } } };
      }
    >
  >;
  readonly Outputs: Readonly<Record<string, unknown>>;
}

/** Throws, with the next step, where the folder holds no release, or one that this stage must not become. */
export function readRelease(folder: string, environment: string): Release {
  const templateFile = resolve(folder, "template.json");
  if (!existsSync(templateFile))
    throw new Error(
      `there is no template.json in ${resolve(folder)}: make a release with ` +
        `"npm run package -- --stage ${environment}" in a checkout of Rekey, and give its folder .serverless/release`,
    );
  const { Metadata, Resources, Outputs } = JSON.parse(readFileSync(templateFile, "utf8")) as Template;
  const packagedFor = Metadata?.Rekey?.Environment;
  if (packagedFor !== environment)
    throw new Error(
      packagedFor === undefined
        ? `${templateFile} is not the template of a Rekey release that this version of rekey-cdk knows`
        : `${templateFile} was packaged for the stage ${packagedFor}, and environment is ${environment}`,
    );
  const missing = outputNames.filter((name) => !Object.hasOwn(Outputs, name));
  if (missing.length > 0)
    throw new Error(
      `${templateFile} has no ${missing.join(", ")}: it is of an older release, so take that version of rekey-cdk`,
    );
  const functions = Object.entries(Resources).flatMap(([id, { Type, Properties }]) => {
    if (Type !== "AWS::Lambda::Function") return [];
    const key = Properties?.Code?.S3Key?.["Fn::Sub"] ?? "";
    return [{ id, zip: join(resolve(folder), "code", key.replace(`\${CodePrefix}`, "")) }];
  });
  return { templateFile, outputs: outputNames, functions };
}
