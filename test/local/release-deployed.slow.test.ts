import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
  UpdateStackCommand,
} from "@aws-sdk/client-cloudformation";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { strToU8, unzipSync, zipSync } from "fflate";
import type { RotationRecord } from "../../ledger/entries.ts";
import { checkCertificate } from "../../local/certificate.ts";
import { type Demonstration, secretName, startDemonstration } from "../../local/demonstration.ts";
import { eventsOf } from "../../local/history.ts";
import { troubleIn } from "../../local/summary.ts";
import { clientAs, type LocalCloud, type LocalCloudOptions, startLocalCloud } from "../../local/world.ts";
import { readDeployment } from "../../serverless/deployment.ts";
import { calledFunctions, machines } from "../../serverless/machines.ts";
import { writeRelease } from "../../serverless/release.ts";
import { type Packaged, packageTemplate } from "../package/packaged.ts";

const bucket = "acme-releases";
const StackName = "rekey-production";
const settings = {
  ...{ secrets: ["billing-*"], twoPeople: "off", peopleRoles: ["operator", "supplier"] },
  auditLockDays: 180,
};
const runMaxMs = 240_000;
const refusal = "a function of the second release ran";

type Release = Pick<Packaged, "release">["release"];

let release: Release;
let second: Release;
let company: Demonstration;
let stacks: CloudFormationClient;
let objects: S3Client;

beforeAll(async () => {
  // Packaged for another Region than the local cloud's.
  ({ release } = packageTemplate("production", settings));
  second = secondRelease();
  company = await startDemonstration({ pace: 2, openCloud: deployed });
}, 600_000);

afterAll(async () => {
  for (const client of [stacks, objects]) client?.destroy();
  await company?.close();
}, 60_000);

/** An empty cloud into which the release is deployed as docs/deploy.md says. */
async function deployed(options: LocalCloudOptions): Promise<LocalCloud> {
  const cloud = await startLocalCloud({ ...options, isEmpty: true });
  stacks = new CloudFormationClient(clientAs(cloud, "deployer"));
  objects = new S3Client({ ...clientAs(cloud, "administrator"), forcePathStyle: true });
  await objects.send(new CreateBucketCommand({ Bucket: bucket }));
  await stacks.send(new CreateStackCommand(await uploaded(cloud, release)));
  await settled("CREATE_COMPLETE");
  return cloud;
}

/** Copies the zips and the template; gives what to deploy. */
async function uploaded(cloud: Pick<LocalCloud, "url">, { template, zips }: Release) {
  for (const [name, Body] of zips)
    await objects.send(new PutObjectCommand({ Bucket: bucket, Key: `rekey/${name}`, Body }));
  const Body = JSON.stringify(template);
  await objects.send(new PutObjectCommand({ Bucket: bucket, Key: "rekey/templates/t.json", Body }));
  return {
    ...{ StackName, TemplateURL: `${cloud.url}/${bucket}/rekey/templates/t.json` },
    Parameters: [{ ParameterKey: "CodeBucket", ParameterValue: bucket }],
    Capabilities: ["CAPABILITY_NAMED_IAM" as const],
  };
}

async function settled(wanted: string): Promise<void> {
  for (;;) {
    const { Stacks: [stack] = [] } = await stacks.send(new DescribeStacksCommand({ StackName }));
    const { StackStatus: status = "", StackStatusReason: reason } = stack ?? {};
    if (status === wanted) return;
    if (!status.endsWith("_IN_PROGRESS")) throw new Error(`${status}: ${reason}`);
    await pause(50);
  }
}

/** The same release, but every function that the rotation machine calls only refuses. */
function secondRelease(): Release {
  const folder = mkdtempSync(join(tmpdir(), "rekey-second-release-"));
  try {
    const text = machines().find(({ name }) => name === "rotation")?.text ?? "";
    const refusing = new Set(calledFunctions(text));
    const zips = new Map(
      [...release.zips].map(([file, bytes]) => {
        const name = file.replace(/-[0-9a-f]{32}\.zip$/, "");
        const path = join(folder, file);
        writeFileSync(path, refusing.has(name) ? refusingZip(name, bytes) : bytes);
        return [name, path] as const;
      }),
    );
    const deployment = readDeployment({ stage: "production", region: "eu-central-1", settings });
    const out = join(folder, "out");
    writeRelease(out, { deployment, zips });
    const template = JSON.parse(readFileSync(join(out, "template.json"), "utf8"));
    const files = Object.values(template.Resources as Release["template"]["Resources"]).flatMap(
      ({ Properties }) => codeFile(Properties["Code"]),
    );
    return {
      template,
      zips: new Map(files.map((file) => [file, readFileSync(join(out, "code", file))])),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function refusingZip(name: string, bytes: Buffer): Uint8Array {
  const path = `dist/${name}.mjs`;
  if (unzipSync(bytes)[path] === undefined) throw new Error(`${path} is not in its zip`);
  const text = `export const handler = async () => { throw new Error(${JSON.stringify(refusal)}); };`;
  return zipSync({ [path]: strToU8(text) }, { mtime: "2026-01-01" });
}

function codeFile(code: unknown): readonly string[] {
  const { S3Key } = (code ?? {}) as { readonly S3Key?: { readonly "Fn::Sub": string } };
  return S3Key === undefined ? [] : [S3Key["Fn::Sub"].replace(`\${CodePrefix}`, "")];
}

interface Started {
  readonly rotationId: string;
  readonly executionArn: string;
}

async function rotate(reason: string): Promise<Started> {
  const printed = await company.rekey("--json", "rotate", secretName, "--reason", reason);
  return JSON.parse(printed.trim().split("\n").at(-1) ?? "{}");
}

/** The rotation's record, once it is as wanted. */
async function rotation(
  { rotationId }: Started,
  isWanted: (record: RotationRecord) => boolean,
): Promise<RotationRecord> {
  for (const untilMs = Date.now() + runMaxMs; Date.now() < untilMs; ) {
    const found = (await company.ledger.rotations(company.secretArn)).find(
      (record) => record.rotationId === rotationId,
    );
    if (found !== undefined && isWanted(found)) return found;
    await pause(100);
  }
  throw new Error(
    [`${rotationId} is not as wanted after ${runMaxMs} ms`, ...troubleIn(company.cloud)].join("; "),
  );
}

const hasEnded = ({ outcome }: RotationRecord) => outcome !== "running";

/** The versions of functions that an execution called: "1" in a first deployment. */
async function versionsOf({ executionArn }: Pick<Started, "executionArn">): Promise<ReadonlySet<string>> {
  const events = await eventsOf(company.cloud, executionArn);
  return new Set(
    events.flatMap(
      ({ lambdaFunctionScheduledEventDetails: asked }) => asked?.resource?.split(":").at(-1) ?? [],
    ),
  );
}

/** Why the tasks of an execution failed, as far as it has come. */
async function causesOf(executionArn: string): Promise<readonly string[]> {
  for (const untilMs = Date.now() + runMaxMs; Date.now() < untilMs; ) {
    const events = await eventsOf(company.cloud, executionArn);
    const causes = events.flatMap(
      ({ lambdaFunctionFailedEventDetails: failed }) => JSON.parse(failed?.cause ?? "{}").errorMessage ?? [],
    );
    if (causes.length > 0) return causes;
    await pause(100);
  }
  return [];
}

test("the release rotates a key in a stack of its own, to a certificate that verifies", async () => {
  const ended = await rotation(await rotate("first"), hasEnded);
  expect(ended).toMatchObject({ outcome: "rotated", death: expect.anything() });
  expect(await checkCertificate(company.cloud, ended.rotationId)).toMatchObject({ verified: true });
  expect(await versionsOf(ended)).toEqual(new Set(["1"]));
  // Dead letters say on a busy machine that reports came late, which is no matter of what was deployed.
  const { denials, defects, unmatched } = company.cloud;
  expect({ denials, defects, unmatched }).toEqual({ denials: [], defects: [], unmatched: [] });
}, 300_000);

test("a rotation in flight ends with the functions it began with, and the next one takes the new ones", async () => {
  const begun = await rotate("in flight");
  await rotation(begun, () => true);
  await company.rekey("hold", secretName, "--reason", "until the update is done");

  await stacks.send(new UpdateStackCommand(await uploaded(company.cloud, second)));
  await settled("UPDATE_COMPLETE");
  expect((await rotation(begun, () => true)).outcome).toBe("running");
  await company.rekey("release", secretName);

  expect(await rotation(begun, hasEnded)).toMatchObject({ outcome: "rotated" });
  expect(await versionsOf(begun)).toEqual(new Set(["1"]));

  const next = await rotate("on the second release");
  expect(await causesOf(next.executionArn)).toContain(refusal);
  expect(await versionsOf(next)).toEqual(new Set(["2"]));
}, 600_000);
