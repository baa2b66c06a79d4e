import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { refusalOf } from "../../../audit/refusals.ts";
import { awsBounds } from "../../../aws/bounds.ts";
import type { SealedKitSettings } from "../settings.ts";

let client: S3Client | undefined;

/** Into the bucket of another Region, in the place of the kit before. */
export async function putKit(
  { name, sealed }: { readonly name: string; readonly sealed: string },
  { bucket, region }: SealedKitSettings,
): Promise<void> {
  client ??= new S3Client({ ...awsBounds, region, forcePathStyle: true });
  const command = new PutObjectCommand({ Bucket: bucket, Key: name, Body: sealed });
  await client.send(command).catch((error: unknown) => {
    throw refusalOf(error, { place: bucket, operation: "s3:PutObject" });
  });
}
