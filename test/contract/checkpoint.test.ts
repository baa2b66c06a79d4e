import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { CreateBucketCommand, GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { auditCheckpoints } from "../../audit/checkpoint.ts";
import { kmsSigner } from "../../audit/kms-signer.ts";
import { s3Anchor } from "../../audit/s3-anchor.ts";
import { kms } from "../../local/aws/kms.ts";
import { s3 } from "../../local/aws/s3.ts";
import { type Cloud, startCloud } from "../../local/aws/server.ts";
import { arn, logOf, now, place } from "./audit-world.ts";
import { lockedBucket } from "./locked-bucket.ts";

/** Without the names of the chains. */
const checkpointsIn = (bucket: { names(): readonly string[] }) =>
  bucket.names().filter((name) => name.startsWith("checkpoints/"));

const dayMs = 24 * 60 * 60 * 1000;

let cloud: Cloud;
let kmsClient: KMSClient;
let s3Client: S3Client;

beforeAll(async () => {
  const place = { region: "eu-west-1", account: "111122223333", now };
  cloud = await startCloud({ services: [kms({ ...place, signingAlias: "alias/rekey" }), s3({ now })] });
  const settings = {
    endpoint: cloud.url,
    region: "eu-west-1",
    credentials: { accessKeyId: "FAKE", secretAccessKey: "FAKE" },
  };
  kmsClient = new KMSClient(settings);
  s3Client = new S3Client({ ...settings, forcePathStyle: true });
});

afterAll(async () => {
  kmsClient.destroy();
  s3Client.destroy();
  await cloud.close();
});

describe("a checkpoint", () => {
  test("signs and anchors the newest entry once, and the log verifies against it", async () => {
    const { checkpoints, bucket, told } = await anchored(["a", "b"]);
    const head = (await told()).at(-1);

    expect(await checkpoints.write(arn)).toEqual({ outcome: "unchanged" });
    const name =
      "checkpoints/arn/aws/secretsmanager/eu-west-1/111122223333/secret/team/billing-FAKE00/000000000002.json";
    expect(await checkpoints.verify(arn)).toEqual({
      ...{ entries: 2, verified: true, headHash: head?.hash },
      checkpoint: expect.objectContaining({ name, seq: 2, hash: head?.hash, atMs: now() }),
    });
    expect(checkpointsIn(bucket)).toEqual([name]);
  });

  test("of an empty log is not written", async () => {
    const { checkpoints } = await anchored([]);

    expect(await checkpoints.write(arn)).toEqual({ outcome: "unchanged" });
    expect(await checkpoints.verify(arn)).not.toHaveProperty("checkpoint");
  });

  test("is written against the newest one alone, and verified together with every one", async () => {
    const { bucket, tell, checkpoints } = await anchored(["a"]);
    for (const id of ["b", "c", "d"]) {
      await tell(id);
      await checkpoints.write(arn);
    }
    const before = bucket.reads();
    await tell("e");
    await checkpoints.write(arn);
    expect(bucket.reads() - before).toBe(1);
    expect(await checkpoints.verify(arn)).toMatchObject({ entries: 5, checkpoint: { seq: 5 } });
    expect(bucket.reads() - before).toBe(6);
  });

  test("covers the entries up to its own, and says so while the log goes on", async () => {
    const { tell, checkpoints } = await anchored(["a", "b"]);
    await tell("c");

    expect(await checkpoints.verify(arn)).toMatchObject({
      entries: 3,
      verified: true,
      checkpoint: { seq: 2 },
    });
  });

  test("shows that the end of the log was cut off", async () => {
    const { table, log, checkpoints } = await anchored(["a", "b", "c"]);
    await table.remove(place(3));

    expect(await log.verify(arn)).toMatchObject({ verified: true });
    expect(await checkpoints.verify(arn)).toMatchObject({
      entries: 2,
      verified: false,
      brokenAt: 3,
      why: "the log ends at entry 2, but a checkpoint holds entry 3",
    });
  });

  test("shows that a sound chain is not the chain that was signed, and the new one is not signed", async () => {
    const { table, log, tell, checkpoints } = await anchored(["a", "b", "c"]);
    for (const seq of [1, 2, 3]) await table.remove(place(seq));
    for (const id of ["x", "y", "z", "more"]) await tell(id);

    const broken = { brokenAt: 3, why: "entry 3 differs from its checkpoint: the log was rewritten" };
    expect(await log.verify(arn)).toMatchObject({ verified: true });
    expect(await checkpoints.verify(arn)).toMatchObject({ entries: 2, verified: false, ...broken });
    expect(await checkpoints.write(arn)).toEqual({ outcome: "broken", ...broken });
  });

  test("that was hidden or written over still counts", async () => {
    const { table, bucket, tell, checkpoints } = await anchored(["a", "b", "c"]);
    const [name = ""] = checkpointsIn(bucket);
    bucket.overwrite(name, "{}");
    expect(await checkpoints.verify(arn)).toMatchObject({ verified: true });
    await tell("d");
    await checkpoints.write(arn);
    for (const each of checkpointsIn(bucket)) bucket.hide(each);
    await table.remove(place(4));

    expect(await checkpoints.verify(arn)).toMatchObject({ verified: false, brokenAt: 4 });
  });

  test("that somebody else signed, or nobody can read, proves nothing", async () => {
    const { KeyMetadata } = await kmsClient.send(
      new CreateKeyCommand({ KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" }),
    );
    const forged = await anchored(["a", "b"], { signingKeyId: KeyMetadata?.Arn ?? "" });
    const garbled = await anchored(["a", "b"]);
    garbled.bucket.overwrite(`${checkpointsIn(garbled.bucket)[0]?.slice(0, -6)}3.json`, "not json");

    expect(await forged.checkpoints.verify(arn)).toMatchObject({
      brokenAt: 2,
      why: "the signature under the checkpoint of entry 2 is not ours",
    });
    expect(await garbled.checkpoints.verify(arn)).toMatchObject({
      verified: false,
      why: expect.stringContaining("cannot be read"),
    });
  });

  test("of a key that was retired still counts where it is named", async () => {
    const { KeyMetadata } = await kmsClient.send(
      new CreateKeyCommand({ KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" }),
    );
    const retired = KeyMetadata?.Arn ?? "";
    const { checkpoints } = await anchored(["a", "b"], { signingKeyId: retired, retiredKeyArns: [retired] });

    expect(await checkpoints.verify(arn)).toMatchObject({ verified: true });
  });

  /** A log with one checkpoint, written with `signingKeyId` and verified with the key of the settings. */
  async function anchored(
    ids: readonly string[],
    options: { readonly signingKeyId?: string; readonly retiredKeyArns?: readonly string[] } = {},
  ) {
    const { signingKeyId = "alias/rekey", retiredKeyArns = [] } = options;
    const opened = await logOf(ids);
    const bucket = lockedBucket();
    const anchor = s3Anchor(bucket.client, { bucket: "audit", mode: "COMPLIANCE", retainMs: dayMs, now });
    const parts = { log: opened.log, anchor, now };
    const writer = auditCheckpoints({ ...parts, signer: kmsSigner(kmsClient, { keyId: signingKeyId }) });
    await writer.write(arn);
    const signer = kmsSigner(kmsClient, { keyId: "alias/rekey", retiredKeyArns });
    return { ...opened, bucket, checkpoints: auditCheckpoints({ ...parts, signer }) };
  }
});

describe("the anchor", () => {
  test("locks what it writes until its day, and a second write leaves the first", async () => {
    await s3Client.send(new CreateBucketCommand({ Bucket: "audit", ObjectLockEnabledForBucket: true }));
    const anchor = s3Anchor(s3Client, { bucket: "audit", mode: "COMPLIANCE", retainMs: dayMs, now });

    await anchor.write("folder/1.json", "first");
    await anchor.write("folder/1.json", "second");

    const stored = await s3Client.send(new GetObjectCommand({ Bucket: "audit", Key: "folder/1.json" }));
    expect(await stored.Body?.transformToString()).toBe("first");
    expect(stored.ObjectLockMode).toBe("COMPLIANCE");
    expect(stored.ObjectLockRetainUntilDate).toEqual(new Date(now() + dayMs));
  });

  test("a missing bucket or key is no reason to wait", async () => {
    const anchor = s3Anchor(s3Client, { bucket: "missing", mode: "GOVERNANCE", retainMs: dayMs, now });
    const signer = kmsSigner(kmsClient, { keyId: "alias/missing" });

    await expect(anchor.write("1.json", "text")).rejects.toMatchObject({ name: "InputInvalid" });
    await expect(signer.sign(Buffer.from("text"))).rejects.toMatchObject({ name: "InputInvalid" });
  });
});
