import { createHash, generateKeyPairSync, randomBytes, sign, verify } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cloudTrail } from "../../local/aws/cloudtrail.ts";
import { cloudTrailRecord } from "../../local/aws/cloudtrail-record.ts";
import { signatureOf, verifies } from "../../local/aws/ecdsa.ts";
import { uploadOf } from "../../local/aws/s3/upload.ts";
import { s3 } from "../../local/aws/s3.ts";
import type { HttpRequest } from "../../local/aws/service.ts";
import { type SnsMessage, sns } from "../../local/aws/sns.ts";

const account = "111122223333";
const caller = { accessKeyId: "AKIAFAKE", account, arn: `arn:aws:iam::${account}:user/a` };

const request = (method: string, url: string, more: Partial<HttpRequest> = {}): HttpRequest => {
  const { pathname, searchParams } = new URL(`http://loopback${url}`);
  const common = { headers: {}, body: Buffer.alloc(0), signingService: "s3", caller };
  return { method, path: pathname, query: searchParams, ...common, ...more };
};

describe("S3", () => {
  const folders: string[] = [];
  const newFolder = async () => {
    const folder = await mkdtemp(join(tmpdir(), "rekey-s3-"));
    folders.push(folder);
    return folder;
  };
  afterEach(async () => {
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
  });
  const buckets = [{ name: "audit", objectLock: true }];
  const locked = (mode: string, until: string) => ({
    "x-amz-object-lock-mode": mode,
    "x-amz-object-lock-retain-until-date": until,
    "x-amz-checksum-crc32": "NSRBwg==",
  });

  test("objects and their locks outlive the process in a folder", async () => {
    const root = await newFolder();
    const nowMs = Date.parse("2026-11-01T00:00:00Z");
    const headers = locked("COMPLIANCE", "2026-12-01T00:00:00Z");
    const before = s3({ root, buckets, now: () => nowMs });
    await before.handle(request("PUT", "/audit/a/b.json", { headers, body: Buffer.from("abc") }));

    const after = s3({ root, buckets, now: () => nowMs });
    const read = await after.handle(request("GET", "/audit/a/b.json"));
    expect(read.body.toString()).toBe("abc");
    const version = read.headers?.["x-amz-version-id"];
    const bypass = { headers: { "x-amz-bypass-governance-retention": "true" } };
    const refused = await after.handle(request("DELETE", `/audit/a/b.json?versionId=${version}`, bypass));
    expect(refused.status).toBe(403);

    const later = s3({ root, buckets, now: () => Date.parse("2026-12-02T00:00:00Z") });
    expect((await later.handle(request("DELETE", `/audit/a/b.json?versionId=${version}`))).status).toBe(204);
    expect((await s3({ root, buckets }).handle(request("GET", "/audit/a/b.json"))).status).toBe(404);
  });

  test("no key leaves its bucket's folder", async () => {
    const root = await newFolder();
    const service = s3({ root, buckets: [{ name: "audit", objectLock: false }] });
    const keys = [
      "..%2F..%2Fescaped",
      "%2Fetc%2Fescaped",
      "a%2F..%2F..%2F..%2Fescaped",
      "@null",
      "@null.json",
      ".",
    ];
    for (const key of keys) {
      const put = { ...request("PUT", "/"), path: `/audit/${key}`, body: Buffer.from(key) };
      expect((await service.handle(put)).status).toBe(200);
    }
    expect(await readdir(root)).toEqual(["audit"]);
    const again = s3({ root });
    for (const key of keys) {
      const read = await again.handle({ ...request("GET", "/"), path: `/audit/${key}` });
      expect(read.body.toString()).toBe(key);
    }
  });

  test("a lock must end in the future and come with a checksum", async () => {
    const service = s3({ buckets, now: () => Date.parse("2026-11-01T00:00:00Z") });
    const past = locked("GOVERNANCE", "2026-10-01T00:00:00Z");
    const { "x-amz-checksum-crc32": _, ...unchecked } = locked("GOVERNANCE", "2026-12-01T00:00:00Z");
    for (const headers of [past, unchecked]) {
      const put = await service.handle(request("PUT", "/audit/a", { headers, body: Buffer.from("abc") }));
      expect(put.status).toBe(400);
    }
  });

  test("a sub-resource that is not served is never taken for the plain operation", async () => {
    const service = s3({ buckets });
    await service.handle(request("PUT", "/audit/a", { body: Buffer.from("abc") }));
    expect((await service.handle(request("DELETE", "/audit/a?tagging"))).status).toBe(501);
    expect((await service.handle(request("GET", "/audit/a"))).status).toBe(200);
  });

  test.each([
    ["a chunk shorter than it says", "5\r\nabc\r\n0\r\n\r\n"],
    ["no last chunk", "3\r\nabc\r\n"],
    ["no size", "xyz\r\nabc\r\n"],
    ["another length than declared", "2\r\nab\r\n0\r\n\r\n"],
  ])("an aws-chunked body with %s is refused", (_, text) => {
    const headers = { "content-encoding": "aws-chunked", "x-amz-decoded-content-length": "3" };
    expect(() => uploadOf(request("PUT", "/a/b", { headers, body: Buffer.from(text) }))).toThrow(
      "number of bytes",
    );
  });

  test("a trailing checksum is checked against the bytes that arrived", () => {
    const headers = { "content-encoding": "aws-chunked" };
    const framed = (crc: string) =>
      Buffer.from(`3;chunk-signature=0\r\nabc\r\n0\r\nx-amz-checksum-crc32:${crc}\r\n\r\n`);
    const right = uploadOf(request("PUT", "/a/b", { headers, body: framed("NSRBwg==") }));
    expect(right.bytes.toString()).toBe("abc");
    expect(() => uploadOf(request("PUT", "/a/b", { headers, body: framed("AAAAAA==") }))).toThrow(
      "did not match",
    );
  });
});

describe("CloudTrail", () => {
  const record = (atMs: number) =>
    cloudTrailRecord(atMs, {
      eventSource: "s.amazonaws.com",
      eventName: "Do",
      readOnly: true,
      awsRegion: "eu-west-1",
      userIdentity: { accountId: account, arn: caller.arn },
      requestParameters: null,
    });

  test("more lookups in a second than allowed are throttled", async () => {
    const clock = { nowMs: 0 };
    const service = cloudTrail({ now: () => clock.nowMs, requestsPerSecondMax: 2 });
    const lookup = () => service.call("LookupEvents", {}, caller);
    await lookup();
    await lookup();
    await expect(lookup()).rejects.toMatchObject({ code: "ThrottlingException" });
    clock.nowMs += 1000;
    await expect(lookup()).resolves.toEqual({ Events: [] });
  });

  test("a record stays invisible for the lag", async () => {
    const clock = { nowMs: 1_000_000 };
    const service = cloudTrail({ now: () => clock.nowMs, lagMs: 5 * 60_000 });
    service.record(record(clock.nowMs));
    await expect(service.call("LookupEvents", {}, caller)).resolves.toEqual({ Events: [] });
    clock.nowMs += 5 * 60_000;
    await expect(service.call("LookupEvents", {}, caller)).resolves.toMatchObject({
      Events: [{ EventName: "Do" }],
    });
  });

  test("pages of 50 neither repeat nor skip an event while new ones arrive", async () => {
    const service = cloudTrail();
    for (let count = 0; count < 60; count += 1) service.record(record(count * 1000));
    type Page = { Events: { EventId: string }[]; NextToken?: string };
    const first = (await service.call("LookupEvents", {}, caller)) as Page;
    service.record(record(99_000));
    const second = (await service.call("LookupEvents", { NextToken: first.NextToken }, caller)) as Page;
    const ids = [...first.Events, ...second.Events].map(({ EventId }) => EventId);
    expect(first.Events).toHaveLength(50);
    expect(new Set(ids).size).toBe(60);
    expect(second.NextToken).toBeUndefined();
  });
});

describe("signatures over a digest", () => {
  test("are those that the platform makes and accepts", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    for (let round = 0; round < 30; round += 1) {
      const message = randomBytes(round);
      const digest = createHash("sha256").update(message).digest();
      const signature = signatureOf(digest, { key: privateKey, isDigest: true });
      expect(verify("sha256", message, publicKey, signature)).toBe(true);
      expect(verifies(digest, sign("sha256", message, privateKey), { key: privateKey, isDigest: true })).toBe(
        true,
      );
      signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
      expect(verifies(digest, signature, { key: privateKey, isDigest: true })).toBe(false);
    }
  });

  test.each(["", "30", "3006020100020100", "ff".repeat(70)])(
    "a malformed one (%s) is only invalid",
    (hex) => {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const bad = Buffer.from(hex, "hex");
      expect(verifies(Buffer.alloc(32, 1), bad, { key: privateKey, isDigest: true })).toBe(false);
    },
  );
});

test("SNS hands every publication to its hook as it was sent", async () => {
  const published: SnsMessage[] = [];
  const service = sns({
    region: "eu-west-1",
    account,
    now: () => 7,
    onPublish: (message) => published.push(message),
  });
  const send = (fields: Record<string, string>) =>
    service.handle(
      request("POST", "/", { signingService: "sns", body: Buffer.from(String(new URLSearchParams(fields))) }),
    );
  await send({ Action: "CreateTopic", Name: "pages" });
  const TopicArn = `arn:aws:sns:eu-west-1:${account}:pages`;
  const attribute = { "MessageAttributes.entry.1.Name": "severity" };
  const value = { "MessageAttributes.entry.1.Value.StringValue": "page" };
  await send({
    Action: "Publish",
    TopicArn,
    Subject: "key leaked",
    Message: "a\n+b",
    ...attribute,
    ...value,
  });
  expect(published).toMatchObject([
    {
      topicArn: TopicArn,
      subject: "key leaked",
      message: "a\n+b",
      attributes: { severity: "page" },
      publishedAtMs: 7,
    },
  ]);
  expect(service.messages()).toEqual(published);
});
