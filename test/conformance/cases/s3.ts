import assert from "node:assert/strict";
import { Readable } from "node:stream";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
} from "@aws-sdk/client-s3";
import type { Clients, ConformanceCase, Scratch } from "../case.ts";
import { refused } from "../refused.ts";

/** A bucket of its own for a case, removed with every version that the case put into it. */
async function newBucket({ s3 }: Clients, scratch: Scratch, { objectLock = false } = {}) {
  const Bucket = scratch.unique("bucket").toLowerCase();
  await s3.send(
    new CreateBucketCommand({ Bucket, ...(objectLock ? { ObjectLockEnabledForBucket: true } : {}) }),
  );
  scratch.cleanUp(() => s3.send(new DeleteBucketCommand({ Bucket })));
  return {
    Bucket,
    async put(Key: string, input: Omit<PutObjectCommandInput, "Bucket" | "Key">) {
      const answer = await s3.send(new PutObjectCommand({ Bucket, Key, ...input }));
      const version = answer.VersionId
        ? { VersionId: answer.VersionId, BypassGovernanceRetention: true }
        : {};
      scratch.cleanUp(() => s3.send(new DeleteObjectCommand({ Bucket, Key, ...version })));
      return answer;
    },
    async text(Key: string, version: { VersionId?: string } = {}) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...version }));
      return Body?.transformToString();
    },
  };
}

export const s3Cases: readonly ConformanceCase[] = [
  {
    service: "s3",
    name: "an object comes back with its content, type and metadata",
    async run(clients, scratch) {
      const bucket = await newBucket(clients, scratch);
      const Key = "reports/2026/ä report & more.json";
      await bucket.put(Key, {
        Body: '{"ok":true}',
        ContentType: "application/json",
        Metadata: { signature: "abc" },
      });
      assert.equal(await bucket.text(Key), '{"ok":true}');
      const head = await clients.s3.send(new HeadObjectCommand({ Bucket: bucket.Bucket, Key }));
      assert.equal(head.ContentLength, 11);
      assert.equal(head.ContentType, "application/json");
      assert.deepEqual(head.Metadata, { signature: "abc" });
    },
  },
  {
    service: "s3",
    name: "bytes that no text could hold survive, also streamed in chunks with a trailing checksum",
    async run(clients, scratch) {
      const bucket = await newBucket(clients, scratch);
      const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 31) % 256));
      await bucket.put("buffer", { Body: bytes });
      const halves = [bytes.subarray(0, 70_000), bytes.subarray(70_000)];
      await bucket.put("stream", { Body: Readable.from(halves), ContentLength: bytes.length });
      for (const Key of ["buffer", "stream"]) {
        const { Body, ContentEncoding } = await clients.s3.send(
          new GetObjectCommand({ Bucket: bucket.Bucket, Key }),
        );
        assert.ok(bytes.equals((await Body?.transformToByteArray()) ?? Buffer.alloc(0)), Key);
        assert.ok(!ContentEncoding?.includes("aws-chunked"));
      }
    },
  },
  {
    service: "s3",
    name: "a body that does not match its checksum is refused",
    async run(clients, scratch) {
      const bucket = await newBucket(clients, scratch);
      const wrong = bucket.put("damaged", {
        Body: "content",
        ChecksumSHA256: Buffer.alloc(32).toString("base64"),
      });
      await refused(wrong, "BadDigest", "InvalidRequest");
    },
  },
  {
    service: "s3",
    name: "a missing object is NoSuchKey, a missing bucket NoSuchBucket, and HEAD only says NotFound",
    async run(clients, scratch) {
      const { Bucket } = await newBucket(clients, scratch);
      await refused(clients.s3.send(new GetObjectCommand({ Bucket, Key: "nothing" })), "NoSuchKey");
      await refused(clients.s3.send(new HeadObjectCommand({ Bucket, Key: "nothing" })), "NotFound");
      const nowhere = { Bucket: scratch.unique("nowhere").toLowerCase(), Key: "nothing" };
      await refused(clients.s3.send(new GetObjectCommand(nowhere)), "NoSuchBucket");
    },
  },
  {
    service: "s3",
    name: "If-None-Match: * writes only where nothing is",
    async run(clients, scratch) {
      const bucket = await newBucket(clients, scratch);
      await bucket.put("once", { Body: "first", IfNoneMatch: "*" });
      await refused(bucket.put("once", { Body: "second", IfNoneMatch: "*" }), "PreconditionFailed");
      assert.equal(await bucket.text("once"), "first");
    },
  },
  {
    service: "s3",
    name: "listing is in byte order, by prefix, folded by delimiter, and paged",
    async run(clients, scratch) {
      const bucket = await newBucket(clients, scratch);
      for (const key of ["a/2", "a/1", "a/b/3", "a/b/4", "z"]) await bucket.put(key, { Body: key });
      const list = { Bucket: bucket.Bucket, Prefix: "a/", Delimiter: "/" };
      const folded = await clients.s3.send(new ListObjectsV2Command(list));
      assert.deepEqual(
        folded.Contents?.map(({ Key }) => Key),
        ["a/1", "a/2"],
      );
      assert.deepEqual(
        folded.CommonPrefixes?.map(({ Prefix }) => Prefix),
        ["a/b/"],
      );
      const first = await clients.s3.send(new ListObjectsV2Command({ Bucket: bucket.Bucket, MaxKeys: 3 }));
      const token = first.NextContinuationToken;
      const more = { Bucket: bucket.Bucket, ...(token ? { ContinuationToken: token } : {}) };
      const second = await clients.s3.send(new ListObjectsV2Command(more));
      const keys = [first, second].map(({ Contents = [] }) => Contents.map(({ Key }) => Key));
      assert.deepEqual(keys, [
        ["a/1", "a/2", "a/b/3"],
        ["a/b/4", "z"],
      ]);
    },
  },
  {
    service: "s3",
    name: "a listing gives back keys with characters that XML reserves",
    async run(clients, scratch) {
      const bucket = await newBucket(clients, scratch);
      const key = 'r&d/<draft> "1" ü+%20.json';
      await bucket.put(key, { Body: "x" });
      const { Contents } = await clients.s3.send(new ListObjectsV2Command({ Bucket: bucket.Bucket }));
      assert.deepEqual(
        Contents?.map(({ Key }) => Key),
        [key],
      );
    },
  },
  {
    service: "s3",
    name: "a deleted object is gone, and deleting it again is no error",
    async run(clients, scratch) {
      const bucket = await newBucket(clients, scratch);
      await bucket.put("brief", { Body: "x" });
      const target = { Bucket: bucket.Bucket, Key: "brief" };
      await clients.s3.send(new DeleteObjectCommand(target));
      await clients.s3.send(new DeleteObjectCommand(target));
      await refused(bucket.text("brief"), "NoSuchKey");
    },
  },
  {
    service: "s3",
    name: "TRAP: a locked version cannot be deleted, but a delete marker hides it and an overwrite covers it",
    async run(clients, scratch) {
      const bucket = await newBucket(clients, scratch, { objectLock: true });
      const until = new Date(Date.now() + 60_000);
      const lock = { ObjectLockMode: "GOVERNANCE" as const, ObjectLockRetainUntilDate: until };
      const { VersionId = "" } = await bucket.put("checkpoint", { Body: "one", ...lock });
      const target = { Bucket: bucket.Bucket, Key: "checkpoint" };
      const head = await clients.s3.send(new HeadObjectCommand(target));
      assert.equal(head.ObjectLockMode, "GOVERNANCE");
      assert.equal(head.ObjectLockRetainUntilDate?.getTime(), until.getTime());
      await refused(clients.s3.send(new DeleteObjectCommand({ ...target, VersionId })), "AccessDenied");

      await bucket.put("checkpoint", { Body: "two" });
      const marker = await clients.s3.send(new DeleteObjectCommand(target));
      scratch.cleanUp(() =>
        clients.s3.send(new DeleteObjectCommand({ ...target, VersionId: marker.VersionId })),
      );
      assert.equal(marker.DeleteMarker, true);
      await refused(bucket.text("checkpoint"), "NoSuchKey");
      assert.equal(await bucket.text("checkpoint", { VersionId }), "one");
    },
  },
  {
    service: "s3",
    name: "every version is listed, newest first within its key, paged, and with what hides it",
    async run(clients, scratch) {
      const bucket = await newBucket(clients, scratch, { objectLock: true });
      const [hidden, twice] = ["log/a & ü.json", "log/b.json"];
      const first = await bucket.put(hidden, { Body: "one" });
      const [older, newer] = [
        await bucket.put(twice, { Body: "1" }),
        await bucket.put(twice, { Body: "22" }),
      ];
      await bucket.put("other", { Body: "x" });
      const target = { Bucket: bucket.Bucket, Key: hidden };
      const { VersionId: markerId } = await clients.s3.send(new DeleteObjectCommand(target));
      scratch.cleanUp(() => clients.s3.send(new DeleteObjectCommand({ ...target, VersionId: markerId })));

      const list = { Bucket: bucket.Bucket, Prefix: "log/" };
      const whole = await clients.s3.send(new ListObjectVersionsCommand(list));
      assert.equal(whole.IsTruncated, false);
      assert.deepEqual(
        whole.Versions?.map(({ Key, VersionId, IsLatest, Size }) => [Key, VersionId, IsLatest, Size]),
        [
          [hidden, first.VersionId, false, 3],
          [twice, newer.VersionId, true, 2],
          [twice, older.VersionId, false, 1],
        ],
      );
      assert.deepEqual(
        whole.DeleteMarkers?.map(({ Key, VersionId, IsLatest }) => [Key, VersionId, IsLatest]),
        [[hidden, markerId, true]],
      );

      const paged: (string | undefined)[] = [];
      let marker: { KeyMarker?: string; VersionIdMarker?: string } = {};
      for (let page = 0; page < 4; page += 1) {
        const answer = await clients.s3.send(
          new ListObjectVersionsCommand({ ...list, MaxKeys: 1, ...marker }),
        );
        const shown = [...(answer.Versions ?? []), ...(answer.DeleteMarkers ?? [])];
        paged.push(...shown.map(({ VersionId }) => VersionId));
        const { NextKeyMarker, NextVersionIdMarker } = answer;
        assert.equal(answer.IsTruncated, page < 3);
        marker = {
          ...(NextKeyMarker && { KeyMarker: NextKeyMarker }),
          ...(NextVersionIdMarker && { VersionIdMarker: NextVersionIdMarker }),
        };
      }
      assert.deepEqual(paged, [markerId, first.VersionId, newer.VersionId, older.VersionId]);

      const behind = await clients.s3.send(new ListObjectVersionsCommand({ ...list, KeyMarker: hidden }));
      assert.deepEqual(
        behind.Versions?.map(({ VersionId }) => VersionId),
        [newer.VersionId, older.VersionId],
      );
    },
  },
  {
    service: "s3",
    name: "a lock needs a bucket made for it",
    async run(clients, scratch) {
      const bucket = await newBucket(clients, scratch);
      const lock = {
        ObjectLockMode: "GOVERNANCE" as const,
        ObjectLockRetainUntilDate: new Date(Date.now() + 60_000),
      };
      await refused(bucket.put("locked", { Body: "x", ...lock }), "InvalidRequest");
    },
  },
];
