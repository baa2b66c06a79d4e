import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { CloudFormationClient, DescribeStacksCommand, type Stack } from "@aws-sdk/client-cloudformation";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { strToU8, zipSync } from "fflate";
import { clientAs, startLocalCloud } from "../../local/world.ts";

/** The bucket of `startStacks` that templates and code lie in. */
export const releases = "acme-releases";

/** A local cloud without any stack, and an administrator's clients. */
export async function startStacks() {
  const cloud = await startLocalCloud({ isEmpty: true });
  const given = clientAs(cloud, "administrator");
  const stacks = new CloudFormationClient(given);
  const objects = new S3Client({ ...given, forcePathStyle: true });
  await objects.send(new CreateBucketCommand({ Bucket: releases }));
  return {
    ...{ cloud, given, stacks, objects },
    async close(): Promise<void> {
      for (const client of [stacks, objects]) client.destroy();
      await cloud.close();
    },
  };
}

export type Stacks = Awaited<ReturnType<typeof startStacks>>;

/** How the operation on a stack ended. */
export async function settled(StackName: string, { stacks }: Pick<Stacks, "stacks">): Promise<Stack> {
  for (;;) {
    const { Stacks: [stack] = [] } = await stacks.send(new DescribeStacksCommand({ StackName }));
    if (stack === undefined) throw new Error(`there is no ${StackName}`);
    if (!stack.StackStatus?.endsWith("_IN_PROGRESS")) return stack;
    await pause(20);
  }
}

/** Puts a function's zip where templates may name it; gives its key and what a version says of it. */
export async function upload(
  { answer, key: Key = `${answer}.zip` }: { readonly answer: string; readonly key?: string | undefined },
  { objects }: Pick<Stacks, "objects">,
) {
  const text = `export const handler = async () => ${JSON.stringify(answer)};`;
  const Body = zipSync({ "dist/answer.mjs": strToU8(text) }, { mtime: "2026-01-01" });
  await objects.send(new PutObjectCommand({ Bucket: releases, Key, Body }));
  return { key: Key, sha256: createHash("sha256").update(Body).digest("base64"), answer };
}
