import type { S3Client } from "@aws-sdk/client-s3";

interface Version {
  readonly Key: string;
  readonly VersionId: string;
  readonly text: string;
}

export interface LockedBucket {
  readonly client: Pick<S3Client, "send">;
  /** A later version, as somebody with s3:PutObject can add one; the first stays. */
  overwrite(name: string, text: string): void;
  /** A delete marker: the name is gone from plain reads and lists. */
  hide(name: string): void;
  names(): string[];
  /** Objects that were read so far. */
  reads(): number;
}

/** An S3 bucket with Object Lock, as far as an anchor uses one: versions are added and never go. */
export function lockedBucket(options: { readonly pageSize?: number } = {}): LockedBucket {
  const { pageSize = 2 } = options;
  const versions: Version[] = [];
  const hidden = new Set<string>();
  let written = 0;
  let read = 0;

  function add(Key: string, text: string): void {
    written += 1;
    versions.unshift({ Key, VersionId: `v${written}`, text });
    hidden.delete(Key);
  }

  const operations: Record<string, (input: Record<string, unknown>) => unknown> = {
    PutObjectCommand({ Key, Body }) {
      const isTaken = versions.some((version) => version.Key === Key) && !hidden.has(String(Key));
      if (isTaken) throw failure("PreconditionFailed", 412);
      add(String(Key), String(Body));
      return {};
    },
    ListObjectVersionsCommand({ Prefix, KeyMarker, VersionIdMarker }) {
      const found = versions
        .filter(({ Key }) => Key.startsWith(String(Prefix)))
        .sort((a, b) => (a.Key < b.Key ? -1 : Number(a.Key > b.Key)));
      const seen = found.findIndex(
        ({ Key, VersionId }) => Key === KeyMarker && VersionId === VersionIdMarker,
      );
      const page = found.slice(seen + 1, seen + 1 + pageSize);
      const isLast = seen + 1 + pageSize >= found.length;
      const last = page.at(-1);
      const next = { NextKeyMarker: last?.Key, NextVersionIdMarker: last?.VersionId };
      return { Versions: page, IsTruncated: !isLast, ...(isLast ? {} : next) };
    },
    GetObjectCommand({ Key, VersionId }) {
      read += 1;
      const version = versions.find((each) => each.Key === Key && each.VersionId === VersionId);
      if (!version) throw failure("NoSuchVersion", 404);
      return { Body: { transformToString: async () => version.text } };
    },
  };

  const send = async (command: {
    readonly constructor: { readonly name: string };
    readonly input: object;
  }) => {
    return operations[command.constructor.name]?.({ ...command.input });
  };

  return {
    client: { send: send as unknown as S3Client["send"] },
    overwrite: add,
    hide: (name) => hidden.add(name),
    names: () => [...new Set(versions.map(({ Key }) => Key))].sort(),
    reads: () => read,
  };
}

function failure(name: string, httpStatusCode: number): Error {
  return Object.assign(new Error(name), { name, $metadata: { httpStatusCode } });
}
