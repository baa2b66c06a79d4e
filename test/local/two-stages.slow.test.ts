import { CreateStackCommand } from "@aws-sdk/client-cloudformation";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { renderTemplate } from "../../serverless/template.ts";
import { deployment } from "../package/deployment.ts";
import { releases as Bucket, type Stacks, settled, startStacks, upload } from "./stack-world.ts";

let world: Stacks;
beforeAll(async () => {
  world = await startStacks();
});
afterAll(() => world.close());

test("two stages stand in one account and Region: none takes a name of the other", async () => {
  const { cloud, stacks, objects } = world;
  const { key: S3Key, sha256 } = await upload({ answer: "any" }, world);
  const code = { location: () => ({ S3Bucket: Bucket, S3Key }), sha256: () => sha256 };
  for (const environment of ["staging", "preview"]) {
    const template = JSON.stringify(renderTemplate({ ...deployment, environment }, code));
    const Key = `templates/${environment}.json`;
    await objects.send(new PutObjectCommand({ Bucket, Key, Body: template }));
    const TemplateURL = `${cloud.url}/${Bucket}/${Key}`;
    const asked = { StackName: `rekey-${environment}`, TemplateURL };
    await stacks.send(new CreateStackCommand({ ...asked, Capabilities: ["CAPABILITY_NAMED_IAM"] }));
    const { StackStatus, StackStatusReason } = await settled(asked.StackName, world);
    expect([environment, StackStatus, StackStatusReason]).toEqual([
      environment,
      "CREATE_COMPLETE",
      undefined,
    ]);
  }
});
