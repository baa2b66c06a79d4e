import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
  type Stack,
} from "@aws-sdk/client-cloudformation";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { strToU8, zipSync } from "fflate";
import { clientAs, type LocalCloud, startLocalCloud } from "../../local/world.ts";
import { renderTemplate } from "../../serverless/template.ts";
import { deployment } from "../package/deployment.ts";

const Bucket = "acme-releases";
let cloud: LocalCloud;
let stacks: CloudFormationClient;
let objects: S3Client;

beforeAll(async () => {
  cloud = await startLocalCloud({ isEmpty: true });
  const given = clientAs(cloud, "administrator");
  stacks = new CloudFormationClient(given);
  objects = new S3Client({ ...given, forcePathStyle: true });
  await objects.send(new CreateBucketCommand({ Bucket }));
});

afterAll(async () => {
  for (const client of [stacks, objects]) client.destroy();
  await cloud.close();
});

async function settled(StackName: string): Promise<Stack> {
  for (;;) {
    const { Stacks: [stack] = [] } = await stacks.send(new DescribeStacksCommand({ StackName }));
    if (stack === undefined) throw new Error(`there is no ${StackName}`);
    if (!stack.StackStatus?.endsWith("_IN_PROGRESS")) return stack;
    await pause(20);
  }
}

test("two stages stand in one account and Region: none takes a name of the other", async () => {
  const S3Key = "any.zip";
  const zip = zipSync({ "dist/answer.mjs": strToU8("export const handler = async () => 1;") });
  await objects.send(new PutObjectCommand({ Bucket, Key: S3Key, Body: zip }));
  const sha256 = createHash("sha256").update(zip).digest("base64");
  const code = { location: () => ({ S3Bucket: Bucket, S3Key }), sha256: () => sha256 };
  for (const environment of ["staging", "preview"]) {
    const template = JSON.stringify(renderTemplate({ ...deployment, environment }, code));
    const Key = `templates/${environment}.json`;
    await objects.send(new PutObjectCommand({ Bucket, Key, Body: template }));
    const TemplateURL = `${cloud.url}/${Bucket}/${Key}`;
    const asked = { StackName: `rekey-${environment}`, TemplateURL };
    await stacks.send(new CreateStackCommand({ ...asked, Capabilities: ["CAPABILITY_NAMED_IAM"] }));
    const { StackStatus, StackStatusReason } = await settled(asked.StackName);
    expect([environment, StackStatus, StackStatusReason]).toEqual([
      environment,
      "CREATE_COMPLETE",
      undefined,
    ]);
  }
});
