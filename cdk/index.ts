import { Annotations, Stack, type StackProps } from "aws-cdk-lib";
import { type IManagedPolicy, ManagedPolicy } from "aws-cdk-lib/aws-iam";
import type { CfnFunction } from "aws-cdk-lib/aws-lambda";
import { Asset } from "aws-cdk-lib/aws-s3-assets";
import { CfnInclude } from "aws-cdk-lib/cloudformation-include";
import { Construct } from "constructs";
import { type OutputName, readRelease } from "./release.ts";

export type { OutputName } from "./release.ts";

/** Zips that you copied to a bucket of yours. */
export interface CopiedCode {
  readonly bucket: string;
  /** What their keys begin with: empty, or folders that each end in a slash. */
  readonly prefix: string;
}

export interface RekeyProps {
  /** The stage that the release was packaged for: one deployment rotates the secrets with this tag `Environment`. */
  readonly environment: string;
  /** The folder of the release, with template.json and code/ in it: `.serverless/release` after `npm run package`. */
  readonly release: string;
  /**
   * Where you copied the zips of code/ to, in the Region of the stack. Without it they are assets, which
   * `cdk deploy` uploads.
   */
  readonly code?: CopiedCode | undefined;
}

/** By whom a policy is meant for; docs/deploy.md says what each allows. */
export interface RekeyPolicies {
  readonly reader: IManagedPolicy;
  readonly operator: IManagedPolicy;
  readonly supplier: IManagedPolicy;
  readonly auditor: IManagedPolicy;
  /** For the role of each program that uses a rotated key. */
  readonly consumer: IManagedPolicy;
  /** Only denies: for developers' roles. */
  readonly developerGuard: IManagedPolicy;
}

/**
 * The resources of a packaged release, under the names that they have in its template. Throws when there is no release
 * in the folder, or one of another stage. The command line looks for a stack named `rekey-<environment>`.
 */
export class Rekey extends Construct {
  /** Every output of the release, by name: values that other stacks of the app may use. */
  readonly outputs: Readonly<Record<OutputName, string>>;
  readonly policies: RekeyPolicies;
  /** The template as CDK constructs: `getResource` gives one by its name in the template. */
  readonly template: CfnInclude;

  constructor(scope: Construct, id: string, { environment, release: folder, code }: RekeyProps) {
    super(scope, id);
    const release = readRelease(folder, environment);
    const { stackName } = Stack.of(this);
    if (stackName !== `rekey-${environment}`)
      Annotations.of(this).addWarningV2(
        "rekey-cdk:stackName",
        `the stack is named ${stackName}, and the command line looks for rekey-${environment}: set stackName`,
      );

    if (code !== undefined && !/^(?:[A-Za-z0-9_.-]+\/)*$/.test(code.prefix))
      throw new Error(`code.prefix is "${code.prefix}": it is empty, or folders that each end in a slash`);

    const assets = new Map(
      code === undefined
        ? release.functions.map(({ id: name, zip }) => [name, new Asset(this, `${name}Zip`, { path: zip })])
        : [],
    );
    const [first] = assets.values();
    this.template = new CfnInclude(this, "Template", {
      templateFile: release.templateFile,
      parameters: {
        CodeBucket: code?.bucket ?? first?.s3BucketName ?? "",
        CodePrefix: code?.prefix ?? "",
      },
    });
    for (const [name, { s3BucketName, s3ObjectKey }] of assets) {
      const resource = this.template.getResource(name) as CfnFunction;
      resource.code = { s3Bucket: s3BucketName, s3Key: s3ObjectKey };
    }
    const value = (name: OutputName): string => this.template.getOutput(name).value;
    this.outputs = Object.fromEntries(release.outputs.map((name) => [name, value(name)])) as Record<
      OutputName,
      string
    >;
    const policy = (who: "Reader" | "Operator" | "Supplier" | "Auditor" | "Consumer" | "DeveloperGuard") =>
      ManagedPolicy.fromManagedPolicyArn(this, who, value(`${who}PolicyArn`));
    this.policies = {
      ...{ reader: policy("Reader"), operator: policy("Operator"), supplier: policy("Supplier") },
      ...{
        auditor: policy("Auditor"),
        consumer: policy("Consumer"),
        developerGuard: policy("DeveloperGuard"),
      },
    };
  }
}

export interface RekeyStackProps extends Omit<StackProps, "stackName">, RekeyProps {}

/**
 * Rekey in a stack of its own, named as the command line looks for it. It is protected from being deleted: the ledger,
 * the audit log and the key that signs it are retained, but the machines would be gone.
 */
export class RekeyStack extends Stack {
  readonly rekey: Rekey;

  constructor(scope: Construct, id: string, { environment, release, code, ...stack }: RekeyStackProps) {
    super(scope, id, {
      terminationProtection: true,
      ...stack,
      stackName: `rekey-${environment}`,
      tags: { Environment: environment, ...stack.tags },
    });
    this.rekey = new Rekey(this, "Rekey", { environment, release, code });
  }
}
