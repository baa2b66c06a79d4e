import { createHash, randomBytes } from "node:crypto";
import { AwsError } from "../service.ts";

/** Where objects outlive the process; all of it is read once, at the start. */
export interface Shelf {
  buckets(): readonly Bucket[];
  /** The oldest first. */
  versions(): readonly ObjectVersion[];
  addBucket(bucket: Bucket): void;
  dropBucket(name: string): void;
  keep(version: ObjectVersion): void;
  drop(version: ObjectVersion): void;
}

export interface Lock {
  readonly mode: "GOVERNANCE" | "COMPLIANCE";
  readonly retainUntilMs: number;
}

/** One version of an object, or the marker that hides the object. */
export interface ObjectVersion {
  readonly bucket: string;
  readonly key: string;
  /** "null" in a bucket without versioning. */
  readonly versionId: string;
  readonly atMs: number;
  readonly isDeleteMarker: boolean;
  readonly bytes: Buffer;
  readonly etag: string;
  /** Headers given back as they were stored: content type, user metadata, checksum. */
  readonly headers: Readonly<Record<string, string>>;
  readonly lock?: Lock;
}

export interface Bucket {
  readonly name: string;
  /** Fixed at creation, and brings versioning with it. */
  readonly objectLock: boolean;
}

export interface Buckets {
  create(bucket: Bucket): void;
  find(name: string): Bucket;
  /** Refuses a bucket that still holds a version. */
  remove(name: string): void;
  put(bucket: Bucket, object: NewObject): ObjectVersion;
  /** The newest version, or the named one; a delete marker counts as an answer. */
  get(bucket: Bucket, key: string, versionId?: string): ObjectVersion | undefined;
  /** Newest versions that are not hidden, in key order. */
  list(bucket: Bucket): readonly ObjectVersion[];
  /** For each key every version and delete marker, newest last. */
  history(bucket: Bucket): readonly (readonly ObjectVersion[])[];
  delete(bucket: Bucket, key: string, how: Deletion): { versionId?: string; isDeleteMarker: boolean };
}

export type NewObject = Pick<ObjectVersion, "key" | "bytes" | "headers"> & {
  readonly lock?: Lock | undefined;
};

export interface Deletion {
  readonly versionId?: string | undefined;
  readonly bypassesGovernance: boolean;
}

const unversioned = "null";
const noBytes = Buffer.alloc(0);

/** Buckets and the versions of their objects, with Object Lock as S3 enforces it. */
export function bucketsOn(shelf: Shelf, now: () => number): Buckets {
  const buckets = new Map(shelf.buckets().map((bucket) => [bucket.name, bucket]));
  const stored = versionsOn(shelf);

  return {
    create(bucket) {
      if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket.name)) {
        throw new AwsError("InvalidBucketName", "The specified bucket is not valid.");
      }
      if (buckets.has(bucket.name)) {
        throw new AwsError("BucketAlreadyOwnedByYou", "You already own the bucket that you asked for.", 409);
      }
      buckets.set(bucket.name, bucket);
      shelf.addBucket(bucket);
    },
    find(name) {
      const bucket = buckets.get(name);
      if (bucket) return bucket;
      throw new AwsError("NoSuchBucket", "The specified bucket does not exist", 404);
    },
    remove(name) {
      if (stored.keysOf(name).length > 0) {
        throw new AwsError("BucketNotEmpty", "The bucket you tried to delete is not empty", 409);
      }
      buckets.delete(name);
      shelf.dropBucket(name);
    },
    put(bucket, { key, bytes, headers, lock }) {
      const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
      const common = { bucket: bucket.name, key, atMs: now(), isDeleteMarker: false, bytes, etag, headers };
      return stored.add({ ...common, versionId: newVersionId(bucket), ...(lock ? { lock } : {}) });
    },
    get(bucket, key, versionId) {
      const all = stored.of(bucket.name, key);
      return versionId === undefined ? all.at(-1) : all.find((version) => version.versionId === versionId);
    },
    list(bucket) {
      return stored
        .keysOf(bucket.name)
        .flatMap((all) => all.slice(-1))
        .filter((newest) => !newest.isDeleteMarker)
        .sort((one, other) => Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)));
    },
    history: (bucket) => stored.keysOf(bucket.name),
    delete(bucket, key, { versionId, bypassesGovernance }) {
      if (versionId === undefined && bucket.objectLock) {
        const marker = { bucket: bucket.name, key, atMs: now(), isDeleteMarker: true, etag: "", headers: {} };
        const { versionId: markerId } = stored.add({
          ...marker,
          versionId: newVersionId(bucket),
          bytes: noBytes,
        });
        return { versionId: markerId, isDeleteMarker: true };
      }
      const found = stored.of(bucket.name, key).find((each) => each.versionId === (versionId ?? unversioned));
      if (!found) return { isDeleteMarker: false };
      refuseLocked(found, { bypassesGovernance, nowMs: now() });
      stored.remove(found);
      return { versionId: found.versionId, isDeleteMarker: found.isDeleteMarker };
    },
  };
}

/** Every version in memory and on the shelf, per bucket and key with the newest last. */
function versionsOn(shelf: Shelf) {
  const byBucket = new Map<string, Map<string, readonly ObjectVersion[]>>();
  const of = (bucket: string, key: string) => byBucket.get(bucket)?.get(key) ?? [];
  const set = ({ bucket, key }: ObjectVersion, versions: readonly ObjectVersion[]) => {
    const keys = byBucket.get(bucket) ?? new Map<string, readonly ObjectVersion[]>();
    byBucket.set(bucket, keys);
    if (versions.length > 0) keys.set(key, versions);
    else keys.delete(key);
  };
  const remember = (version: ObjectVersion) => {
    const others = of(version.bucket, version.key).filter(({ versionId }) => versionId !== version.versionId);
    set(version, [...others, version]);
  };
  for (const version of shelf.versions()) remember(version);

  return {
    of,
    keysOf: (bucket: string) => [...(byBucket.get(bucket)?.values() ?? [])],
    add(version: ObjectVersion): ObjectVersion {
      remember(version);
      shelf.keep(version);
      return version;
    },
    remove(version: ObjectVersion): void {
      set(
        version,
        of(version.bucket, version.key).filter((each) => each !== version),
      );
      shelf.drop(version);
    },
  };
}

function refuseLocked(
  { lock }: ObjectVersion,
  { bypassesGovernance, nowMs }: { bypassesGovernance: boolean; nowMs: number },
): void {
  if (!lock || lock.retainUntilMs <= nowMs) return;
  if (lock.mode === "GOVERNANCE" && bypassesGovernance) return;
  throw new AwsError("AccessDenied", "Access Denied because object protected by object lock.", 403);
}

const newVersionId = ({ objectLock }: Bucket): string =>
  objectLock ? randomBytes(24).toString("base64url") : unversioned;
