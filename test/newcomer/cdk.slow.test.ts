import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
} from "@aws-sdk/client-cloudformation";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { zipSync } from "fflate";
import { publint } from "publint";
import { bundleFunctions } from "../../build.ts";
import { checkCertificate } from "../../local/certificate.ts";
import { type Demonstration, secretName, startDemonstration } from "../../local/demonstration.ts";
import {
  account,
  clientAs,
  type LocalCloud,
  type LocalCloudOptions,
  startLocalCloud,
} from "../../local/world.ts";
import { packages, packEach } from "../../release/pack.ts";
import { readDeployment } from "../../serverless/deployment.ts";
import { type ReleaseTemplate, writeRelease } from "../../serverless/release.ts";
import type { Template } from "../../serverless/template.ts";

/**
 * A stranger's CDK app in an empty folder: the packed construct, the CDK from the registry, and a release that was
 * packaged. What it synthesizes is deployed into the local cloud, as `cdk deploy` does it, and rotates a key.
 */
const root = fileURLToPath(new URL("../../", import.meta.url));
const stackName = "rekey-production";
const settings = {
  secrets: ["billing-*"],
  twoPeople: "off",
  peopleRoles: ["operator", "supplier"],
  auditLockDays: 180,
};
const runMaxMs = 240_000;

let folder: string;
let app: string;
let tarball: string;
let release: ReleaseTemplate;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "cdk-"));
  app = join(folder, "app");
  release = await makeRelease(join(folder, "release"));
  const cdk = new Map([...packages()].filter(([, { name }]) => name === "rekey-cdk"));
  tarball = packEach(cdk, join(folder, "out"))[0]?.tarball ?? "";
  mkdirSync(app);
  writeFileSync(join(app, "package.json"), '{ "private": true, "type": "module" }');
  const quiet = ["--no-audit", "--no-fund", "--prefer-offline"];
  execFileSync("npm", ["install", ...quiet, tarball, "aws-cdk-lib@2", "constructs@10"], {
    cwd: app,
    stdio: "pipe",
  });
}, 400_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What `npm run package` leaves in .serverless/release, without the packager, which takes a minute. */
async function makeRelease(out: string): Promise<ReleaseTemplate> {
  const dist = join(folder, "dist");
  const zips = new Map(
    (await bundleFunctions(dist)).map(({ name, reach }) => {
      const files = reach.map((path) => [`dist/${path}`, readFileSync(join(dist, path))]);
      const zip = join(folder, `${name}.zip`);
      writeFileSync(zip, zipSync(Object.fromEntries(files), { mtime: "2026-01-01" }));
      return [name, zip] as const;
    }),
  );
  const deployment = readDeployment({ stage: "production", region: "eu-central-1", settings });
  writeRelease(out, { deployment, zips });
  return JSON.parse(readFileSync(join(out, "template.json"), "utf8"));
}

/** Runs a program of the stranger. */
function run(file: string, text: string) {
  writeFileSync(join(app, file), text);
  const env = { PATH: process.env["PATH"], HOME: folder };
  return spawnSync(process.execPath, [file], { cwd: app, encoding: "utf8", env });
}

interface Assembly {
  readonly template: Template & { readonly Parameters: Readonly<Record<string, object>> };
  readonly assets: Readonly<Record<string, Asset>>;
}
interface Asset {
  readonly source: { readonly path: string };
  readonly destinations: Readonly<
    Record<string, { readonly bucketName: string; readonly objectKey: string }>
  >;
}

/** What an app with this statement synthesizes. */
function synthesized(name: string, statement: string): Assembly {
  const out = join(folder, name);
  const { status, stderr } = run(
    `${name}.mjs`,
    `import { App, DefaultStackSynthesizer, Stack } from "aws-cdk-lib";
     import { Rekey, RekeyStack } from "rekey-cdk";
     const app = new App({ outdir: ${JSON.stringify(out)} });
     // The rule asks for a parameter of AWS Systems Manager, which the local cloud has not.
     const synthesizer = new DefaultStackSynthesizer({ generateBootstrapVersionRule: false });
     const release = ${JSON.stringify(join(folder, "release"))};
     ${statement}
     app.synth();`,
  );
  expect([status, stderr]).toEqual([0, ""]);
  const parsed = (file: string) => JSON.parse(readFileSync(join(out, file), "utf8"));
  const [templateFile = ""] = readdirSync(out).filter((file) => file.endsWith(".template.json"));
  return {
    template: parsed(templateFile),
    assets: parsed(templateFile.replace(".template.json", ".assets.json")).files,
  };
}

let assembly: Assembly | undefined;
function withAssets(): Assembly {
  assembly ??= synthesized(
    "assets",
    `new RekeyStack(app, "Rekey", { environment: "production", release, synthesizer });`,
  );
  return assembly;
}

/** The released template with its parameters bound, as CloudFormation binds them. */
function bound({ bucket, prefix }: { readonly bucket: string; readonly prefix: string }): Template {
  const text = JSON.stringify({ Resources: release.Resources, Outputs: release.Outputs });
  return JSON.parse(
    text.replaceAll('{"Ref":"CodeBucket"}', JSON.stringify(bucket)).replaceAll(`\${CodePrefix}`, prefix),
  );
}

const withoutCode = ({ Resources }: Pick<Template, "Resources">) =>
  Object.fromEntries(
    Object.entries(Resources).map(([id, { Properties, ...rest }]) => [
      id,
      { ...rest, Properties: { ...Properties, Code: undefined } },
    ]),
  );

test("the synthesized stack is the released template, with its parameters bound", () => {
  const code = { bucket: "acme-releases", prefix: "rekey/0.1.0/" };
  const { template } = synthesized(
    "bound",
    `new RekeyStack(app, "Rekey", { environment: "production", release, synthesizer, code: ${JSON.stringify(code)} });`,
  );
  expect({ Resources: template.Resources, Outputs: template.Outputs }).toEqual(bound(code));
  expect(template.Parameters).toBeUndefined();
});

test("with zips as assets it differs only in where the code lies, and every asset is the zip of its function", () => {
  const { template, assets } = withAssets();
  expect(withoutCode(template)).toEqual(withoutCode(release));
  for (const [id, { Type, Properties }] of Object.entries(template.Resources)) {
    if (Type !== "AWS::Lambda::Function") continue;
    const { S3Key } = Properties["Code"] as { readonly S3Key: string };
    const asset = assets[S3Key.replace(".zip", "")];
    const bytes = readFileSync(join(folder, "assets", asset?.source.path ?? ""));
    const released = JSON.stringify(release.Resources[id]?.Properties["Code"]);
    const [name = ""] = /[\w-]+\.zip/.exec(released) ?? [];
    expect([id, readFileSync(join(folder, "release/code", name)).equals(bytes)]).toEqual([id, true]);
  }
});

test("what the README says compiles in strict TypeScript, and does what it says", () => {
  const readme = readFileSync(join(root, "cdk/README.md"), "utf8");
  const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
  const text = `${blocks.join("\n").replace("../rekey/.serverless/release", join(folder, "release"))}
// @ts-expect-error: the release's folder is needed
new RekeyStack(app, "Other", { environment: "production" });
`;
  for (const file of ["strict.mts", "strict.cts"]) writeFileSync(join(app, file), text);
  for (const name of ["@types/node", "undici-types"])
    cpSync(join(root, "node_modules", name), join(app, "node_modules", name), { recursive: true });
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const options = [
    ...["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--module", "nodenext", "--target", "es2022"],
    // Not ours, and half a minute of work: the CDK's own declarations.
    ...["--skipLibCheck", "--types", "node"],
  ];
  const checked = spawnSync(process.execPath, [tsc, ...options, "strict.mts", "strict.cts"], {
    cwd: app,
    encoding: "utf8",
  });
  expect([checked.status, checked.stdout]).toEqual([0, ""]);

  const statements = text.slice(0, text.indexOf("// @ts-expect-error"));
  const { stderr, stdout } = run(
    "readme.mts",
    `${statements}
     const { stacks } = app.synth();
     const told = ({ stackName, terminationProtection }) => stackName + "," + terminationProtection;
     console.log(stacks.map(told).join(" "));
     console.log(JSON.stringify(stacks.find(({ stackName }) => stackName === "Billing").template.Resources));`,
  );
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^rekey-production,true Billing,(?:false|undefined)\n/);
  expect(stdout).toMatch(
    /"ManagedPolicyArns":\[\{"Fn::ImportValue":"rekey-production:ExportsOutput\w*ConsumerPolicy/,
  );
});

test("the sources are sound against the CDK's own types", () => {
  const source = join(app, "source");
  cpSync(join(root, "cdk"), source, {
    recursive: true,
    filter: (path) => !/(?:dist|node_modules)$/.test(path),
  });
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: { types: ["node"], incremental: false },
  };
  writeFileSync(
    join(source, "tsconfig.json"),
    JSON.stringify({ ...config, include: ["*.ts"], exclude: ["dist"] }),
  );
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", source], { cwd: app, encoding: "utf8" });
  expect([status, stdout]).toEqual([0, ""]);
});

test("a wrong folder, another stage and another name are said in full sentences", () => {
  const tried = (name: string, statement: string) =>
    run(
      `${name}.cjs`,
      `const { App, Stack } = require("aws-cdk-lib");
       const { Rekey, RekeyStack } = require("rekey-cdk");
       const app = new App();
       try { ${statement} } catch (error) { console.log(error.message) }`,
    ).stdout;
  const at = JSON.stringify(join(folder, "release"));

  expect(
    tried("nowhere", 'new RekeyStack(app, "R", { environment: "production", release: "nowhere" })'),
  ).toMatch(
    /^there is no template\.json in \/\S+nowhere: make a release with "npm run package -- --stage production"/,
  );
  expect(tried("stage", `new RekeyStack(app, "R", { environment: "staging", release: ${at} })`)).toContain(
    "was packaged for the stage production, and environment is staging",
  );
  const prefixed = `environment: "production", release: ${at}, code: { bucket: "acme-releases", prefix: "rekey" }`;
  expect(tried("prefix", `new RekeyStack(app, "R", { ${prefixed} })`)).toContain(
    'code.prefix is "rekey": it is empty, or folders that each end in a slash',
  );
  const named = `new Rekey(new Stack(app, "Mine"), "R", { environment: "production", release: ${at} });
    console.log(app.synth().stacks[0].messages.map(({ entry }) => entry.data).join());`;
  expect(tried("named", named)).toContain(
    "the stack is named Mine, and the command line looks for rekey-production: set stackName",
  );
});

test("publint and arethetypeswrong have nothing to say", async () => {
  const { messages } = await publint({
    pkgDir: join(app, "node_modules/rekey-cdk"),
    pack: false,
    strict: true,
  });
  expect(messages).toEqual([]);
  const { status, stdout } = spawnSync(
    "npx",
    ["--yes", "@arethetypeswrong/cli@0.18", tarball, "--profile", "node16", "--format", "ascii"],
    { cwd: folder, encoding: "utf8" },
  );
  expect([status, stdout.includes("No problems found")]).toEqual([0, true]);
}, 120_000);

describe("deployed", () => {
  let company: Demonstration | undefined;
  let clients: readonly { destroy(): void }[] = [];

  afterAll(async () => {
    for (const client of clients) client.destroy();
    await company?.close();
  }, 60_000);

  /** Does what `cdk deploy` does: uploads the assets, then the template, and waits for the stack. */
  async function deployed(options: LocalCloudOptions): Promise<LocalCloud> {
    const cloud = await startLocalCloud({ ...options, isEmpty: true });
    const stacks = new CloudFormationClient(clientAs(cloud, "administrator"));
    const objects = new S3Client({ ...clientAs(cloud, "administrator"), forcePathStyle: true });
    clients = [stacks, objects];
    const { assets } = withAssets();
    const here = (text: string) =>
      text
        .replace(`\${AWS::AccountId}`, account)
        .replace(`\${AWS::Region}`, String(cloud.env("administrator")["AWS_REGION"]));
    const objectsOf = Object.values(assets).flatMap(({ source, destinations }) =>
      Object.values(destinations).map(({ bucketName, objectKey }) => ({
        ...{ Bucket: here(bucketName), Key: here(objectKey) },
        Body: readFileSync(join(folder, "assets", source.path)),
      })),
    );
    const Bucket = objectsOf[0]?.Bucket ?? "";
    await objects.send(new CreateBucketCommand({ Bucket }));
    for (const object of objectsOf) await objects.send(new PutObjectCommand(object));
    const template = objectsOf.find(({ Key }) => Key.endsWith(".json"))?.Key;
    await stacks.send(
      new CreateStackCommand({
        ...{ StackName: stackName, TemplateURL: `${cloud.url}/${Bucket}/${template}` },
        Capabilities: ["CAPABILITY_NAMED_IAM"],
      }),
    );
    for (;;) {
      const { Stacks: [stack] = [] } = await stacks.send(new DescribeStacksCommand({ StackName: stackName }));
      if (stack?.StackStatus === "CREATE_COMPLETE") return cloud;
      if (stack?.StackStatus !== "CREATE_IN_PROGRESS")
        throw new Error(`${stack?.StackStatus}: ${stack?.StackStatusReason}`);
      await pause(50);
    }
  }

  test("the stack rotates a key, to a certificate that verifies", async () => {
    company = await startDemonstration({ pace: 2, openCloud: deployed });
    await company.rekey("rotate", secretName, "--reason", "from a CDK stack");
    for (const untilMs = Date.now() + runMaxMs; Date.now() < untilMs; await pause(100)) {
      const [rotation] = await company.ledger.rotations(company.secretArn);
      if (rotation === undefined || rotation.outcome === "running") continue;
      expect(rotation).toMatchObject({ outcome: "rotated", death: expect.anything() });
      expect(await checkCertificate(company.cloud, rotation.rotationId)).toMatchObject({ verified: true });
      return;
    }
    throw new Error(`no rotation ended within ${runMaxMs} ms`);
  }, 400_000);
});
