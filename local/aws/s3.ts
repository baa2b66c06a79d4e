import { randomUUID } from "node:crypto";
import { type Bucket, type Buckets, bucketsOn, type Lock, type ObjectVersion } from "./s3/buckets.ts";
import { folderShelf, noShelf } from "./s3/shelf.ts";
import { uploadOf } from "./s3/upload.ts";
import { versionPage } from "./s3/version-listing.ts";
import { AwsError, type HttpRequest, type HttpResponse, type HttpService } from "./service.ts";
import { type XmlChildren, xmlDocument } from "./xml.ts";

export interface S3Options {
  /** A folder that objects are written to and read from again; memory only without it. */
  readonly root?: string | undefined;
  /** Buckets that exist from the start. */
  readonly buckets?: readonly Bucket[] | undefined;
  readonly now?: (() => number) | undefined;
}

export interface S3 extends HttpService {
  create(bucket: Bucket): void;
  /** Throws where the bucket still holds a version. */
  remove(bucketName: string): void;
  /** Throws as S3 does where there is no such object. */
  read(bucketName: string, key: string): Buffer;
}

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
const pageMax = 1000;
const keyBytesMax = 1024;

interface Target {
  readonly bucketName: string;
  readonly key: string;
}

/** Simple Storage Service in path style: objects, listing, and Object Lock in buckets created with it. */
export function s3({ root, buckets: wanted = [], now = Date.now }: S3Options = {}): S3 {
  const buckets = bucketsOn(root === undefined ? noShelf : folderShelf(root), now);
  for (const bucket of wanted) createOnce(buckets, bucket);

  return {
    name: "s3",
    create: (bucket) => createOnce(buckets, bucket),
    remove: (bucketName) => buckets.remove(buckets.find(bucketName).name),
    read(bucketName, key) {
      const found = buckets.get(buckets.find(bucketName), key);
      if (found !== undefined && !found.isDeleteMarker) return found.bytes;
      throw new AwsError("NoSuchKey", "The specified key does not exist.", 404);
    },
    matches: ({ signingService }) => signingService === "s3",
    operation: (request) => operationOf(request),
    refusal: ({ message }, request) => failure(new AwsError("AccessDenied", message, 403), request),
    async handle(request) {
      const operation = operationOf(request);
      const run = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
      try {
        if (!run) throw new AwsError("NotImplemented", `${operation} is not served here`, 501);
        return run({ buckets, request, now, ...targetOf(request) });
      } catch (error) {
        if (error instanceof AwsError) return failure(error, request);
        throw error;
      }
    },
  };
}

interface Call extends Target {
  readonly buckets: Buckets;
  readonly request: HttpRequest;
  readonly now: () => number;
}

const operations: Readonly<Record<string, (call: Call) => HttpResponse>> = {
  CreateBucket,
  HeadBucket,
  DeleteBucket,
  ListObjectsV2,
  ListObjectVersions,
  PutObject,
  GetObject,
  HeadObject,
  DeleteObject,
};

/** A sub-resource such as `?acl` names an operation of its own, which must not pass for the plain one. */
function operationOf(request: HttpRequest): string {
  const { method, query } = request;
  const { bucketName, key } = targetOf(request);
  const verbs: Record<string, string> = { PUT: "Put", GET: "Get", HEAD: "Head", DELETE: "Delete" };
  const verb = verbs[method] ?? method;
  if (method === "GET" && key === "" && query.has("versions")) return "ListObjectVersions";
  const other = [...query.keys()].find((name) => query.get(name) === "" && name !== "prefix");
  if (other) return `${verb}:${other}`;
  if (key !== "") return `${verb}Object`;
  if (bucketName === "") return "ListBuckets";
  if (method === "PUT") return "CreateBucket";
  if (method === "GET") return query.get("list-type") === "2" ? "ListObjectsV2" : "ListObjects";
  return `${verb}Bucket`;
}

function targetOf({ path }: HttpRequest): Target {
  const [, bucketName = "", rest = ""] = /^\/([^/]*)\/?(.*)$/s.exec(path) ?? [];
  const key = decodeURIComponent(rest);
  if (Buffer.byteLength(key) > keyBytesMax) throw new AwsError("KeyTooLongError", "Your key is too long");
  return { bucketName: decodeURIComponent(bucketName), key };
}

function CreateBucket({ buckets, bucketName, request }: Call): HttpResponse {
  const objectLock = request.headers["x-amz-bucket-object-lock-enabled"] === "true";
  buckets.create({ name: bucketName, objectLock });
  return { status: 200, headers: { location: `/${bucketName}` }, body: "" };
}

function HeadBucket({ buckets, bucketName }: Call): HttpResponse {
  buckets.find(bucketName);
  return { status: 200, body: "" };
}

function DeleteBucket({ buckets, bucketName }: Call): HttpResponse {
  buckets.remove(buckets.find(bucketName).name);
  return { status: 204, body: "" };
}

function PutObject({ buckets, bucketName, key, request, now }: Call): HttpResponse {
  const bucket = buckets.find(bucketName);
  refuseFailedCondition(buckets.get(bucket, key), request);
  const { bytes, checksum } = uploadOf(request);
  const lock = lockIn(request, { bucket, nowMs: now(), isChecked: checksum !== undefined });
  const headers = { ...keptHeaders(request), ...(checksum ? { [checksum.header]: checksum.value } : {}) };
  const stored = buckets.put(bucket, { key, bytes, headers, lock });
  const answer = checksum ? { [checksum.header]: checksum.value } : {};
  return {
    status: 200,
    headers: { etag: stored.etag, ...versionHeader(bucket, stored), ...answer },
    body: "",
  };
}

function GetObject(call: Call): HttpResponse {
  const { bucket, version } = readable(call);
  return { status: 200, headers: objectHeaders(bucket, version, call.request), body: version.bytes };
}

function HeadObject(call: Call): HttpResponse {
  const { bucket, version } = readable(call);
  const length = { "content-length": String(version.bytes.length) };
  return { status: 200, headers: { ...objectHeaders(bucket, version, call.request), ...length }, body: "" };
}

function DeleteObject({ buckets, bucketName, key, request }: Call): HttpResponse {
  const { versionId, isDeleteMarker } = buckets.delete(buckets.find(bucketName), key, {
    versionId: request.query.get("versionId") ?? undefined,
    bypassesGovernance: request.headers["x-amz-bypass-governance-retention"] === "true",
  });
  const named = versionId && versionId !== "null" ? { "x-amz-version-id": versionId } : {};
  return {
    status: 204,
    headers: { ...named, ...(isDeleteMarker ? { "x-amz-delete-marker": "true" } : {}) },
    body: "",
  };
}

function ListObjectsV2({ buckets, bucketName, request: { query } }: Call): HttpResponse {
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const token = query.get("continuation-token");
  const after = token === null ? (query.get("start-after") ?? "") : Buffer.from(token, "base64").toString();
  const max = Math.min(Number(query.get("max-keys") ?? pageMax), pageMax);
  const encode = query.get("encoding-type") === "url" ? encodeURIComponent : (text: string) => text;
  const entries = grouped(buckets.list(buckets.find(bucketName)), { prefix, delimiter }).filter(
    ({ name }) => Buffer.compare(Buffer.from(name), Buffer.from(after)) > 0,
  );
  const shown = entries.slice(0, max);
  const isTruncated = entries.length > shown.length;
  const next = isTruncated ? Buffer.from(shown.at(-1)?.name ?? after).toString("base64") : undefined;
  const children: XmlChildren = {
    Name: bucketName,
    Prefix: encode(prefix),
    Delimiter: delimiter || undefined,
    MaxKeys: max,
    KeyCount: shown.length,
    IsTruncated: isTruncated,
    NextContinuationToken: next,
    EncodingType: query.get("encoding-type") ?? undefined,
    Contents: shown.flatMap(({ version }) =>
      version ? [{ ...listedObject(version), Key: encode(version.key) }] : [],
    ),
    CommonPrefixes: shown.flatMap(({ name, version }) => (version ? [] : [{ Prefix: encode(name) }])),
  };
  return xmlAnswer(200, xmlDocument("ListBucketResult", children, { namespace }));
}

function ListObjectVersions({ buckets, bucketName, request: { query } }: Call): HttpResponse {
  const page = versionPage(buckets.history(buckets.find(bucketName)), { query, bucketName });
  return xmlAnswer(200, xmlDocument("ListVersionsResult", page, { namespace }));
}

/** Objects under the prefix. Those with the delimiter later in their key appear once, as their common prefix. */
function grouped(
  versions: readonly ObjectVersion[],
  { prefix, delimiter }: { prefix: string; delimiter: string },
): readonly { readonly name: string; readonly version?: ObjectVersion }[] {
  const seen = new Set<string>();
  return versions
    .filter(({ key }) => key.startsWith(prefix))
    .flatMap((version) => {
      const cut = delimiter ? version.key.indexOf(delimiter, prefix.length) : -1;
      if (cut < 0) return [{ name: version.key, version }];
      const name = version.key.slice(0, cut + delimiter.length);
      if (seen.has(name)) return [];
      seen.add(name);
      return [{ name }];
    });
}

function readable({ buckets, bucketName, key, request }: Call): { bucket: Bucket; version: ObjectVersion } {
  const bucket = buckets.find(bucketName);
  const versionId = request.query.get("versionId") ?? undefined;
  const version = buckets.get(bucket, key, versionId);
  if (version && !version.isDeleteMarker) return { bucket, version };
  if (versionId !== undefined && !version) {
    throw new AwsError("NoSuchVersion", "The specified version does not exist.", 404);
  }
  throw new AwsError("NoSuchKey", "The specified key does not exist.", 404);
}

function refuseFailedCondition(present: ObjectVersion | undefined, { headers }: HttpRequest): void {
  const etag = present && !present.isDeleteMarker ? present.etag : undefined;
  const mustBeAbsent = headers["if-none-match"] === "*";
  const wanted = headers["if-match"];
  if ((mustBeAbsent && etag !== undefined) || (wanted !== undefined && wanted !== etag)) {
    const message = "At least one of the pre-conditions you specified did not hold";
    throw new AwsError("PreconditionFailed", message, 412);
  }
}

function lockIn(
  { headers }: HttpRequest,
  { bucket, nowMs, isChecked }: { bucket: Bucket; nowMs: number; isChecked: boolean },
): Lock | undefined {
  const mode = headers["x-amz-object-lock-mode"];
  const until = headers["x-amz-object-lock-retain-until-date"];
  if (mode === undefined && until === undefined) return undefined;
  if (!bucket.objectLock) {
    throw new AwsError("InvalidRequest", "Bucket is missing Object Lock Configuration");
  }
  const retainUntilMs = Date.parse(until ?? "");
  if ((mode !== "GOVERNANCE" && mode !== "COMPLIANCE") || Number.isNaN(retainUntilMs)) {
    const message = "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied";
    throw new AwsError("InvalidArgument", message);
  }
  if (retainUntilMs <= nowMs) {
    throw new AwsError("InvalidArgument", "The retain until date must be in the future!");
  }
  if (!isChecked && headers["content-md5"] === undefined) {
    const message = "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests";
    throw new AwsError("InvalidRequest", `${message} with Object Lock parameters`);
  }
  return { mode, retainUntilMs };
}

function keptHeaders({ headers }: HttpRequest): Record<string, string> {
  const named = new Set(["content-type", "cache-control", "content-disposition"]);
  const encoding = (headers["content-encoding"] ?? "")
    .replace(/(^|,)\s*aws-chunked\s*(,|$)/, "$2")
    .replace(/^,/, "");
  const kept = Object.entries(headers).filter(([name]) => named.has(name) || name.startsWith("x-amz-meta-"));
  return { ...Object.fromEntries(kept), ...(encoding ? { "content-encoding": encoding } : {}) };
}

/** The checksum is given back only on request, because the SDK then verifies it. */
function objectHeaders(bucket: Bucket, version: ObjectVersion, request: HttpRequest): Record<string, string> {
  const wantsChecksum = request.headers["x-amz-checksum-mode"] === "ENABLED";
  const kept = Object.entries(version.headers).filter(
    ([name]) => wantsChecksum || !name.startsWith("x-amz-checksum-"),
  );
  const { lock } = version;
  return {
    "content-type": "application/octet-stream",
    ...Object.fromEntries(kept),
    etag: version.etag,
    "last-modified": new Date(version.atMs).toUTCString(),
    ...versionHeader(bucket, version),
    ...(lock && {
      "x-amz-object-lock-mode": lock.mode,
      "x-amz-object-lock-retain-until-date": new Date(lock.retainUntilMs).toISOString(),
    }),
  };
}

const versionHeader = ({ objectLock }: Bucket, { versionId }: ObjectVersion): Record<string, string> =>
  objectLock ? { "x-amz-version-id": versionId } : {};

const listedObject = ({ key, atMs, etag, bytes }: ObjectVersion): XmlChildren => ({
  Key: key,
  LastModified: new Date(atMs).toISOString(),
  ETag: etag,
  Size: bytes.length,
  StorageClass: "STANDARD",
});

function createOnce(buckets: Buckets, bucket: Bucket): void {
  try {
    buckets.create(bucket);
  } catch (error) {
    if (!(error instanceof AwsError && error.code === "BucketAlreadyOwnedByYou")) throw error;
  }
}

function failure({ code, message, status }: AwsError, { method }: HttpRequest): HttpResponse {
  if (method === "HEAD") return { status, body: "" };
  const error = { Code: code, Message: message, RequestId: randomUUID() };
  return xmlAnswer(status, xmlDocument("Error", error));
}

const xmlAnswer = (status: number, body: string): HttpResponse => ({
  status,
  headers: { "content-type": "application/xml" },
  body,
});
