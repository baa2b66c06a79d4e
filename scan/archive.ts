import * as zlib from "node:zlib";
import { codeOf } from "./failure.ts";

/** One file of an archive, or of an archive in it: `image.tar!blobs/sha256/ab…!app/.env`. */
export interface Entry {
  readonly path: string;
  readonly bytes: Buffer;
}

export interface ArchiveLimits {
  /** Unpacked bytes in all: a small archive can hold a huge one. */
  bytesLeft: number;
  entriesLeft: number;
}

/** An image is an archive of archives, and a layer may hold a package: three deep is enough for both. */
const depthMax = 3;

/**
 * The files in these bytes, whatever archive they are: tar (OCI and Docker images), gzip, zstd or zip. An
 * archive that is cut off gives what it holds until there. What is no archive is its own only file.
 */
export function* entriesOf(file: Entry, limits: ArchiveLimits, depth = 0): Generator<Entry> {
  const unpack = depth < depthMax ? unpackerOf(file.bytes) : undefined;
  if (unpack === undefined) {
    yield file;
    return;
  }
  for (const { path, bytes } of unpack(file, limits)) {
    if (limits.entriesLeft <= 0) return;
    limits.entriesLeft -= 1;
    yield* entriesOf({ path, bytes }, limits, depth + 1);
  }
}

type Unpacker = (file: Entry, limits: ArchiveLimits) => Iterable<Entry>;

/** Known by their first bytes, because the layers of an image have no endings. */
function unpackerOf(bytes: Buffer): Unpacker | undefined {
  if (bytes.length < 4) return undefined;
  const magic = bytes.readUInt32BE(0);
  if (magic >>> 8 === 0x1f8b08) return inflated(zlib.gunzipSync);
  if (magic === 0x28b52ffd && typeof zlib.zstdDecompressSync === "function")
    return inflated(zlib.zstdDecompressSync);
  if (magic === 0x504b0304) return zipEntries;
  return bytes.length > tarBlock && bytes.toString("latin1", 257, 262) === "ustar" ? tarEntries : undefined;
}

function inflated(inflate: (bytes: Buffer, options: { maxOutputLength: number }) => Buffer): Unpacker {
  return ({ path, bytes }, limits) => {
    const unpacked = withinLimits(() => inflate(bytes, { maxOutputLength: limits.bytesLeft }), limits);
    return unpacked === undefined ? [] : [{ path, bytes: unpacked }];
  };
}

/** Undefined for what is damaged, or larger than what is left. */
function withinLimits(inflate: () => Buffer, limits: ArchiveLimits): Buffer | undefined {
  if (limits.bytesLeft <= 0) return undefined;
  try {
    const bytes = inflate();
    limits.bytesLeft -= bytes.length;
    return bytes;
  } catch (error) {
    if (codeOf(error) !== undefined) return undefined;
    throw error;
  }
}

const tarBlock = 512;

function* tarEntries({ path, bytes }: Entry): Generator<Entry> {
  for (let at = 0; at + tarBlock <= bytes.length; ) {
    const name = textIn(bytes, at, 100);
    const size = Number.parseInt(textIn(bytes, at + 124, 12).trim(), 8);
    const prefix = textIn(bytes, at + 345, 155);
    if (name === "" || !(size >= 0)) return;
    const type = bytes[at + 156];
    const start = at + tarBlock;
    // "0", or the zero byte of old archives: an ordinary file.
    if (type === 0x30 || type === 0)
      yield {
        path: `${path}!${prefix === "" ? "" : `${prefix}/`}${name}`,
        bytes: bytes.subarray(start, start + size),
      };
    at = start + Math.ceil(size / tarBlock) * tarBlock;
  }
}

function textIn(bytes: Buffer, at: number, length: number): string {
  const text = bytes.toString("utf8", at, at + length);
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

const zipDirectoryEntry = 0x504b0102;
const zipDirectoryEnd = 0x504b0506;
/** The directory's end is followed by a comment of at most 64 KiB. */
const zipEndWithin = 65_557;

/** Read from the directory at its end, which has the sizes that some writers leave out of each file's own header. */
function* zipEntries({ path, bytes }: Entry, limits: ArchiveLimits): Generator<Entry> {
  let end = bytes.length - 22;
  const least = Math.max(0, bytes.length - zipEndWithin);
  while (end >= least && bytes.readUInt32BE(end) !== zipDirectoryEnd) end -= 1;
  if (end < least) return;
  let at = bytes.readUInt32LE(end + 16);
  while (at + 46 <= bytes.length && bytes.readUInt32BE(at) === zipDirectoryEntry) {
    const method = bytes.readUInt16LE(at + 10);
    const size = bytes.readUInt32LE(at + 20);
    const nameLength = bytes.readUInt16LE(at + 28);
    const header = bytes.readUInt32LE(at + 42);
    const name = bytes.toString("utf8", at + 46, at + 46 + nameLength);
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
    if (header + 30 > bytes.length) continue;
    const start = header + 30 + bytes.readUInt16LE(header + 26) + bytes.readUInt16LE(header + 28);
    const packed = bytes.subarray(start, start + size);
    const unpacked =
      method === 0
        ? packed
        : withinLimits(
            () => zlib.inflateRawSync(packed, { maxOutputLength: Math.max(1, limits.bytesLeft) }),
            limits,
          );
    if (unpacked !== undefined) yield { path: `${path}!${name}`, bytes: unpacked };
  }
}
