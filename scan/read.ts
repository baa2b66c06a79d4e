import { posix } from "node:path";
import { type ArchiveLimits, entriesOf } from "./archive.ts";
import { isMedia } from "./file-kinds.ts";
import type { File } from "./find.ts";

/** A larger file is not read, and the scan says so. */
export const fileBytesMax = 64 * 1024 * 1024;
const unpackedBytesMax = 2 * 1024 * 1024 * 1024;
const entriesMax = 200_000;

/** For one scan: archives that hold more than this together are read no further. */
export function archiveLimits(): ArchiveLimits {
  return { bytesLeft: unpackedBytesMax, entriesLeft: entriesMax };
}

const mayBeArchive =
  /\.(?:tar|tgz|gz|zst|zip|whl|jar|war|tfplan|nupkg|vsix|oci)$|(?:^|\/)tfplan$|\/blobs\/sha256\//i;

interface RawFile {
  readonly path: string;
  readonly bytes: Buffer;
  readonly commit?: string;
}

/** The files in a file's bytes: itself, or those of an archive. */
export function filesInBytes(file: RawFile, limits: ArchiveLimits): Iterable<File> {
  const { path, bytes, commit } = file;
  const origin = commit === undefined ? {} : { commit };
  if (!mayBeArchive.test(path)) return [{ path, ...readable(bytes), ...origin }];
  return filesInArchive(file, { limits, origin });
}

function* filesInArchive(
  { path, bytes }: RawFile,
  { limits, origin }: { readonly limits: ArchiveLimits; readonly origin: Pick<RawFile, "commit"> },
): Generator<File> {
  for (const entry of entriesOf({ path, bytes }, limits)) {
    if (!isMedia(entry.path))
      yield { path: posix.normalize(entry.path), ...readable(entry.bytes), ...origin };
  }
}

/**
 * One character for each byte, which is all that a key needs and far faster than UTF-8; what has the mark of UTF-16 is
 * read as that, because PowerShell writes its files so.
 */
function readable(bytes: Buffer): { readonly bytes: Buffer } | { readonly text: string } {
  const isUtf16 = bytes.length >= 2 && bytes[0] === 0xff && bytes[1] === 0xfe;
  return isUtf16 ? { text: bytes.toString("utf16le") } : { bytes };
}
