import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { AwsError, type HttpRequest } from "../service.ts";

export interface Upload {
  readonly bytes: Buffer;
  /** One of the x-amz-checksum-* headers, as the client computed it. */
  readonly checksum?: { readonly header: string; readonly value: string };
}

const chunksMax = 100_000;
const digests: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  "x-amz-checksum-crc32": (bytes) => bigEndian(crc32(bytes)),
  "x-amz-checksum-sha1": (bytes) => createHash("sha1").update(bytes).digest(),
  "x-amz-checksum-sha256": (bytes) => createHash("sha256").update(bytes).digest(),
};

/** The object's own bytes: SDKs frame streams as aws-chunked and put the checksum in a trailer. */
export function uploadOf({ headers, body }: HttpRequest): Upload {
  const isChunked = (headers["content-encoding"] ?? "").includes("aws-chunked");
  const { bytes, trailers } = isChunked ? unframed(body) : { bytes: body, trailers: {} };
  const declared = headers["x-amz-decoded-content-length"];
  if (isChunked && declared !== undefined && Number(declared) !== bytes.length) throw incomplete();

  const md5 = headers["content-md5"];
  if (md5 !== undefined) refuseOther(createHash("md5").update(bytes).digest(), md5);
  const found = Object.entries({ ...headers, ...trailers }).find(([name]) =>
    /^x-amz-checksum-(?!algorithm|type|mode)/.test(name),
  );
  if (!found) return { bytes };
  const [header, value] = found;
  const digest = digests[header];
  if (digest) refuseOther(digest(bytes), value);
  return { bytes, checksum: { header, value } };
}

/** `size[;extension]\r\n bytes \r\n` over and over, a chunk of size 0, then the trailing headers. */
function unframed(body: Buffer): { bytes: Buffer; trailers: Record<string, string> } {
  const chunks: Buffer[] = [];
  let at = 0;
  for (let count = 0; count < chunksMax; count += 1) {
    const lineEnd = body.indexOf("\r\n", at);
    const size = Number.parseInt(body.toString("latin1", at, lineEnd), 16);
    if (lineEnd < 0 || Number.isNaN(size)) throw incomplete();
    const start = lineEnd + 2;
    if (size === 0)
      return { bytes: Buffer.concat(chunks), trailers: trailersOf(body.toString("utf8", start)) };
    if (start + size > body.length) throw incomplete();
    chunks.push(body.subarray(start, start + size));
    at = start + size + 2;
  }
  throw incomplete();
}

function trailersOf(text: string): Record<string, string> {
  const lines = text.split("\r\n").map((line) => /^(?<name>[^:]+):\s*(?<value>.*)$/.exec(line)?.groups);
  return Object.fromEntries(
    lines.flatMap((line) =>
      line ? [[(line["name"] ?? "").toLowerCase(), (line["value"] ?? "").trim()]] : [],
    ),
  );
}

function refuseOther(actual: Buffer, expected: string): void {
  if (actual.toString("base64") !== expected) {
    throw new AwsError("BadDigest", "The checksum you specified did not match what we received.");
  }
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const incomplete = (): AwsError =>
  new AwsError("IncompleteBody", "You did not provide the number of bytes specified by the headers.");
