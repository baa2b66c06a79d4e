import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Bucket, ObjectVersion, Shelf } from "./buckets.ts";

export const noShelf: Shelf = {
  buckets: () => [],
  versions: () => [],
  addBucket: () => {},
  dropBucket: () => {},
  keep: () => {},
  drop: () => {},
};

const bucketFile = "@bucket.json";

/**
 * One folder per bucket and key, in it two files per version: `@<version>` with the bytes, and a description.
 * The "@" keeps them apart from the folders of longer keys, whose own "@" is percent-encoded.
 */
export function folderShelf(root: string): Shelf {
  mkdirSync(root, { recursive: true });
  const folderOf = ({ bucket, key }: { bucket: string; key: string }): string =>
    join(root, bucket, ...key.split("/").map(segment));
  const fileOf = (version: ObjectVersion): string => join(folderOf(version), `@${version.versionId}`);

  return {
    buckets: () =>
      readdirSync(root)
        .map((name) => join(root, name, bucketFile))
        .filter((file) => existsSync(file))
        .map((file) => JSON.parse(readFileSync(file, "utf8")) as Bucket),
    versions: () =>
      readdirSync(root, { recursive: true, encoding: "utf8" })
        .filter((file) => /(^|[/\\])@[^/\\]+\.json$/.test(file) && !file.endsWith(bucketFile))
        .map((file) => readVersion(join(root, file)))
        .sort((one, other) => one.atMs - other.atMs),
    addBucket(bucket) {
      mkdirSync(join(root, bucket.name), { recursive: true });
      writeFileSync(join(root, bucket.name, bucketFile), JSON.stringify(bucket));
    },
    dropBucket(name) {
      rmSync(join(root, name), { recursive: true, force: true });
    },
    keep(version) {
      const { bytes, ...description } = version;
      const file = fileOf(version);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, bytes);
      writeFileSync(`${file}.json`, JSON.stringify(description));
    },
    drop(version) {
      const file = fileOf(version);
      rmSync(file, { force: true });
      rmSync(`${file}.json`, { force: true });
    },
  };
}

function readVersion(descriptionFile: string): ObjectVersion {
  const description = JSON.parse(readFileSync(descriptionFile, "utf8")) as Omit<ObjectVersion, "bytes">;
  return { ...description, bytes: readFileSync(descriptionFile.slice(0, -".json".length)) };
}

/** A key may hold "..", empty segments and anything else; a folder name may not. */
function segment(text: string): string {
  if (text === "") return "%";
  return encodeURIComponent(text).replace(/^\.+$/, (dots) => "%2E".repeat(dots.length));
}
