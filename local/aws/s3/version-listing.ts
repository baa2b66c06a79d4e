import { AwsError } from "../service.ts";
import type { XmlChildren } from "../xml.ts";
import type { ObjectVersion } from "./buckets.ts";

const pageMax = 1000;

/**
 * One page of ListObjectVersions: keys in byte order, the versions of one key newest first, delete markers among
 * them. `all` has the versions of each key newest last.
 */
export function versionPage(
  all: readonly (readonly ObjectVersion[])[],
  { query, bucketName }: { readonly query: URLSearchParams; readonly bucketName: string },
): XmlChildren {
  if (query.get("delimiter")) {
    throw new AwsError("NotImplemented", "Versions are not folded by a delimiter here", 501);
  }
  const prefix = query.get("prefix") ?? "";
  const max = Math.min(Number(query.get("max-keys") ?? pageMax), pageMax);
  const encode = query.get("encoding-type") === "url" ? encodeURIComponent : (text: string) => text;
  const listed = all
    .flatMap((versions) => [...versions].reverse().map((version, age) => ({ version, isLatest: age === 0 })))
    .filter(({ version }) => version.key.startsWith(prefix))
    .sort((one, other) => byteOrder(one.version.key, other.version.key));
  const rest = listed.slice(startOf(listed, query));
  const shown = rest.slice(0, max);
  const isTruncated = rest.length > shown.length;
  const last = isTruncated ? shown.at(-1)?.version : undefined;
  const xml = shown.map((one) => ({ ...one, text: versionText(one, encode) }));
  return {
    Name: bucketName,
    Prefix: encode(prefix),
    KeyMarker: encode(query.get("key-marker") ?? ""),
    VersionIdMarker: query.get("version-id-marker") ?? undefined,
    MaxKeys: max,
    IsTruncated: isTruncated,
    NextKeyMarker: last && encode(last.key),
    NextVersionIdMarker: last?.versionId,
    EncodingType: query.get("encoding-type") ?? undefined,
    Version: xml.flatMap(({ version, text }) => (version.isDeleteMarker ? [] : [text])),
    DeleteMarker: xml.flatMap(({ version, text }) => (version.isDeleteMarker ? [text] : [])),
  };
}

interface Listed {
  readonly version: ObjectVersion;
  readonly isLatest: boolean;
}

/** A key marker alone skips all versions of that key; with a version marker, the rest of that key still follows. */
function startOf(listed: readonly Listed[], query: URLSearchParams): number {
  const keyMarker = query.get("key-marker") ?? "";
  const versionMarker = query.get("version-id-marker") ?? "";
  if (versionMarker !== "" && keyMarker === "") {
    throw new AwsError("InvalidArgument", "A version-id marker cannot be specified without a key marker.");
  }
  const marked = listed.findIndex(
    ({ version }) => version.key === keyMarker && version.versionId === versionMarker,
  );
  if (versionMarker !== "" && marked >= 0) return marked + 1;
  const behind = listed.findIndex(({ version }) => byteOrder(version.key, keyMarker) > 0);
  return behind < 0 ? listed.length : behind;
}

function versionText({ version, isLatest }: Listed, encode: (text: string) => string): XmlChildren {
  const { key, versionId, atMs, isDeleteMarker, etag, bytes } = version;
  return {
    Key: encode(key),
    VersionId: versionId,
    IsLatest: isLatest,
    LastModified: new Date(atMs).toISOString(),
    ...(!isDeleteMarker && { ETag: etag, Size: bytes.length, StorageClass: "STANDARD" }),
  };
}

function byteOrder(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
