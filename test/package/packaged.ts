import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inCopyOfTree } from "../../release/tree.ts";
import type { Deployment } from "../../serverless/deployment.ts";
import { handlerNames } from "../../serverless/handlers.ts";
import type { Code } from "../../serverless/lambda.ts";
import type { Resource, Statement } from "../../serverless/statements.ts";
import { type Template as Rendered, renderTemplate } from "../../serverless/template.ts";

export type TemplateResource = Resource;
export type Template = Readonly<Record<string, TemplateResource>>;

const packagingMaxMs = 110_000;

/** What `packageTemplate` finds in dist/ in place of every bundle. */
export const earlierBuild = "// left by an earlier build";

/** Stands for the zips, where a test asks nothing of them. */
export const someCode: Code = {
  location: (name) => ({ S3Bucket: "code-FAKE", S3Key: `${name}.zip` }),
  sha256: (name) => `sha256-of-${name}-FAKE`,
};

const templates = new WeakMap<Deployment, Template>();

/** The resources of a deployment, as the packager writes them and the local cloud boots from them; rendered once. */
export function rendered(deployment: Deployment): Template {
  const known = templates.get(deployment);
  if (known !== undefined) return known;
  const template = renderTemplate(deployment, someCode).Resources;
  templates.set(deployment, template);
  return template;
}

/** Where the tests' stacks stand. */
export const place = {
  ...{ partition: "aws", region: "eu-central-1", account: "123456789012", stackName: "s", url: "http://x" },
};

export interface Packaged {
  /** What the packager deploys. */
  readonly template: Rendered;
  /** What is deployed without it, with the zips by name. */
  readonly release: {
    readonly template: Rendered & {
      readonly Metadata: object;
      readonly Parameters: Readonly<Record<string, object>>;
    };
    readonly zips: ReadonlyMap<string, Buffer>;
  };
}

/** Bundles and packages as `npm run package` does, without credentials, and reads what came out. */
export function packageTemplate(stage: string, settings: object): Packaged {
  return inCopyOfTree((cwd) => packageIn(cwd, { stage, settings }));
}

function packageIn(
  cwd: string,
  { stage, settings }: { readonly stage: string; readonly settings: object },
): Packaged {
  const folder = mkdtempSync(join(tmpdir(), "rekey-package-"));
  mkdirSync(join(cwd, "dist"));
  for (const name of handlerNames()) writeFileSync(join(cwd, "dist", `${name}.mjs`), earlierBuild);
  const env = { PATH: process.env["PATH"], HOME: folder, AWS_EC2_METADATA_DISABLED: "true" };
  const run = (script: string, args: readonly string[]) =>
    execFileSync(process.execPath, [script, ...args], {
      cwd,
      env,
      stdio: "pipe",
      timeout: packagingMaxMs,
    });
  try {
    writeFileSync(join(folder, `${stage}.yml`), JSON.stringify(settings));
    const options = ["--stage", stage, "--param", `settings=${folder}`];
    run("node_modules/serverless/bin/serverless.js", [
      "package",
      "--package",
      join(folder, "out"),
      ...options,
    ]);
    const out = join(folder, "out");
    const parsed = (file: string) => JSON.parse(readFileSync(join(out, file), "utf8"));
    const code = join(out, "release", "code");
    return {
      template: parsed("cloudformation-template-update-stack.json"),
      release: {
        template: parsed("release/template.json"),
        zips: new Map(readdirSync(code).map((file) => [file, readFileSync(join(code, file))])),
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function ofType(template: Template, type: string): readonly (readonly [string, TemplateResource])[] {
  return Object.entries(template).filter(([, { Type }]) => Type === type);
}

export function resource(template: Template, id: string): TemplateResource {
  const found = template[id];
  if (found === undefined) throw new Error(`the template has no ${id}`);
  return found;
}

/** Every statement of a role's own policies; none has managed ones. */
export function statementsOf({ Properties }: TemplateResource): readonly Statement[] {
  const policies = (Properties["Policies"] ?? []) as readonly {
    readonly PolicyDocument: { readonly Statement: readonly Statement[] };
  }[];
  return policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement).map(withLists);
}

/** IAM takes one value or a list of them. */
function withLists(statement: Statement): Statement {
  const { Action, Resource } = statement;
  return {
    ...statement,
    ...(Action !== undefined && { Action: [Action].flat() }),
    Resource: [Resource].flat(),
  };
}
