import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Deployment } from "./deployment.ts";
import type { Code } from "./lambda.ts";
import { sub } from "./statements.ts";
import { renderTemplate, type Template } from "./template.ts";

/** By function, its zip's path on this disk. */
export type Zips = ReadonlyMap<string, string>;

interface Parameter {
  readonly Type: "String";
  readonly Description: string;
  readonly Default?: string;
  readonly AllowedPattern: string;
  readonly ConstraintDescription: string;
}

export interface ReleaseTemplate extends Template {
  /** Whoever deploys the file can tell for which stage it was packaged. */
  readonly Metadata: { readonly Rekey: { readonly Environment: string } };
  readonly Parameters: Readonly<Record<string, Parameter>>;
}

/** Where the zips lie is known only to whoever deploys: the template asks for it, and for nothing else. */
export const Parameters: ReleaseTemplate["Parameters"] = {
  CodeBucket: {
    Type: "String",
    Description: "The bucket that the zips of this release were copied to, in the Region of the stack",
    AllowedPattern: "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
    ConstraintDescription: "the name of a bucket, without s3://",
  },
  CodePrefix: {
    Type: "String",
    Description: "What the keys of the zips begin with in that bucket",
    Default: "rekey/",
    AllowedPattern: "^([A-Za-z0-9_.-]+/)*$",
    ConstraintDescription: "empty, or folders that each end in a slash",
  },
};

/**
 * Writes what `aws cloudformation deploy` needs and no packager: template.json, and in code/ each function's zip. A zip's
 * name holds the hash of what is in it, so a copy of a later release overwrites nothing that a stack still names.
 */
export function writeRelease(folder: string, { deployment, zips }: { deployment: Deployment; zips: Zips }) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "code"), { recursive: true });
  const digests = new Map([...zips].map(([name, path]) => [name, digestOf(path)]));
  const code = codeBy(digests);
  for (const [name, path] of zips) copyFileSync(path, join(folder, "code", fileName(name, digests)));
  const Metadata = { Rekey: { Environment: deployment.environment } };
  const template: ReleaseTemplate = { ...renderTemplate(deployment, code), Metadata, Parameters };
  // Not indented: CloudFormation takes at most a megabyte, and every space counts.
  writeFileSync(join(folder, "template.json"), `${JSON.stringify(template)}\n`);
}

function codeBy(digests: ReadonlyMap<string, Buffer>): Code {
  return {
    location: (name) => ({
      S3Bucket: { Ref: "CodeBucket" },
      S3Key: sub(`\${CodePrefix}${fileName(name, digests)}`),
    }),
    sha256: (name) => known(name, digests).toString("base64"),
  };
}

function fileName(name: string, digests: ReadonlyMap<string, Buffer>): string {
  return `${name}-${known(name, digests).toString("hex").slice(0, 32)}.zip`;
}

function known(name: string, digests: ReadonlyMap<string, Buffer>): Buffer {
  const digest = digests.get(name);
  if (digest === undefined) throw new Error(`the release has no zip of the function ${name}`);
  return digest;
}

function digestOf(path: string): Buffer {
  return createHash("sha256").update(readFileSync(path)).digest();
}
