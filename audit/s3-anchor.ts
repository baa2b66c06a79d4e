import {
  GetObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { InputInvalid } from "../core/errors.ts";
import type { Anchor } from "./checkpoint.ts";
import { isNamed, refusalOf } from "./refusals.ts";

/** S3 lists a thousand versions at a time. */
const pagesMax = 100;

export interface S3AnchorOptions {
  /** A bucket with versioning and Object Lock. */
  readonly bucket: string;
  /** COMPLIANCE: nobody can delete before the date, not even the root user. GOVERNANCE: some may. */
  readonly mode: "COMPLIANCE" | "GOVERNANCE";
  readonly retainMs: number;
  readonly now: () => number;
}

/**
 * Checkpoints as locked objects. Object Lock keeps each version, but a later version or a delete marker can
 * hide it from a plain read. So this reads the oldest version of each name.
 */
export function s3Anchor(client: Pick<S3Client, "send">, options: S3AnchorOptions): Anchor {
  const { bucket, mode, retainMs, now } = options;

  return {
    ...s3AnchorReader(client, options),

    async write(name, text) {
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: name,
        Body: text,
        ContentType: "application/json",
        IfNoneMatch: "*",
        ObjectLockMode: mode,
        ObjectLockRetainUntilDate: new Date(now() + retainMs),
      });
      try {
        await client.send(command);
      } catch (error) {
        if (isNamed(error, "PreconditionFailed")) return;
        throw refusalOf(error, { place: bucket, operation: "s3:PutObject" });
      }
    },
  };
}

/** For verifying only: it cannot write. */
export function s3AnchorReader(
  client: Pick<S3Client, "send">,
  { bucket }: Pick<S3AnchorOptions, "bucket">,
): Pick<Anchor, "read" | "list"> {
  return {
    async read(name) {
      const versionId = (await oldestVersions(client, { bucket, prefix: name })).get(name);
      if (versionId === undefined) return undefined;
      try {
        const command = new GetObjectCommand({ Bucket: bucket, Key: name, VersionId: versionId });
        return await (await client.send(command)).Body?.transformToString();
      } catch (error) {
        if (isNamed(error, "NoSuchKey", "NoSuchVersion")) return undefined;
        throw refusalOf(error, { place: bucket, operation: "s3:GetObjectVersion" });
      }
    },

    async list(prefix) {
      return [...(await oldestVersions(client, { bucket, prefix })).keys()].sort();
    },
  };
}

/**
 * The oldest version of each name. S3 lists the versions of one name newest first, so the last one seen is
 * the oldest.
 */
async function oldestVersions(
  client: Pick<S3Client, "send">,
  { bucket, prefix }: { readonly bucket: string; readonly prefix: string },
): Promise<ReadonlyMap<string, string>> {
  const oldest = new Map<string, string>();
  let marker: Partial<ListObjectVersionsCommandOutput> = {};
  for (let page = 0; page < pagesMax; page += 1) {
    const command = new ListObjectVersionsCommand({
      Bucket: bucket,
      Prefix: prefix,
      KeyMarker: marker.NextKeyMarker,
      VersionIdMarker: marker.NextVersionIdMarker,
    });
    marker = await client.send(command).catch((error) => {
      throw refusalOf(error, { place: bucket, operation: "s3:ListBucketVersions" });
    });
    for (const { Key, VersionId } of marker.Versions ?? []) if (Key && VersionId) oldest.set(Key, VersionId);
    if (!marker.IsTruncated) return oldest;
  }
  throw new InputInvalid(`${bucket} has more than ${pagesMax} pages of versions under ${prefix}`);
}
