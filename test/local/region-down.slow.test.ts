import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CreateBucketCommand, GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { newIdentity, recipientsOf } from "../../functions/sealed-kit/seal.ts";
import { rekey } from "../../local/command.ts";
import { type Demonstration, startDemonstration } from "../../local/demonstration.ts";
import { clientAs } from "../../local/world.ts";

const run = promisify(execFile);
const cli = fileURLToPath(new URL("../../cli/rekey.ts", import.meta.url));
const bucket = "shop-rekey-kits";

/** The command on a laptop that reaches no cloud: no credentials, no Region, no address. */
async function onLaptop(...args: readonly string[]) {
  const env = { PATH: process.env["PATH"] ?? "", AWS_EC2_METADATA_DISABLED: "true", NO_COLOR: "1" };
  const { stdout } = await run(process.execPath, ["--no-warnings", cli, ...args, "--json"], { env });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}

async function ended(company: Demonstration, incidentId: string): Promise<string> {
  for (const untilMs = Date.now() + 120_000; Date.now() < untilMs; ) {
    const status = (await company.ledger.incidents.incident(incidentId))?.status ?? "unknown";
    if (status !== "open" && status !== "reported" && status !== "contained") return status;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return "open";
}

test("the cloud is killed, a leaked key is ended from a laptop, the cloud comes back, and audit and ledger agree", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rekey-down-"));
  const file = (name: string) => join(folder, name);
  const people = [await newIdentity(), await newIdentity()] as const;
  for (const [at, identity] of people.entries()) writeFileSync(file(`person-${at}.txt`), `${identity}\n`);
  const [first = "", second = ""] = await recipientsOf(people);
  const sealedKit = { groups: [[first], [second]] as [string[], string[]], bucket, region: "eu-central-1" };
  const company = await startDemonstration({ deployment: { sealedKit }, pace: 2 });
  const { cloud, retiringKeyId, secretArn } = company;
  const s3 = new S3Client({ ...clientAs(cloud, "administrator"), forcePathStyle: true });
  try {
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    await company.rekey("kit", "export", "--to", file("kit.age"));
    const kept = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: "rekey-production.kit.age" }));
    expect(await kept.Body?.transformToString()).toBe(readFileSync(file("kit.age"), "utf8"));

    const backAgain = await cloud.outage();
    await expect(company.rekey("status")).rejects.toThrow();
    const identities = people.flatMap((_, at) => ["--identity", file(`person-${at}.txt`)]);
    const order = ["contain", "billing-key", "--offline", "--kit", file("kit.age"), "--log", file("day.log")];
    const reason = ["--reason", "found in a paste"];
    await expect(onLaptop(...order, ...reason, ...identities.slice(0, 2))).rejects.toThrow(/second group/);
    const contained = await onLaptop(...order, ...reason, ...identities);
    expect(contained).toMatchObject({
      outcome: "contained",
      keys: [{ keyId: retiringKeyId, state: "dead" }],
    });
    await backAgain();

    const asAuditor = (...args: readonly string[]) => rekey(cloud, ["audit", ...args], { as: "auditor" });
    const said = JSON.parse(await company.rekey("kit", "reconcile", file("day.log"), "--json"));
    expect(said).toMatchObject({ outcome: "reconciled", entries: 3 });
    const [incidentId] = said.incidentIds as readonly string[];
    expect(await ended(company, incidentId ?? "")).toBe("closed");
    const incident = await company.ledger.incidents.incident(incidentId ?? "");
    expect(incident).toMatchObject({ keys: [{ keyId: retiringKeyId, state: "dead", goneBefore: true }] });
    const replaced = (await company.ledger.secret(secretArn)).keys.find(({ state }) => state === "current");
    expect(replaced?.keyId).not.toBe(retiringKeyId);
    expect(JSON.parse(await asAuditor("verify", "--json"))).toMatchObject({ verified: true });
    const entries = await asAuditor("export", "billing-key", "--format", "jsonl");
    for (const line of readFileSync(file("day.log"), "utf8")
      .split("\n")
      .filter((each) => /"entry"/.test(each)))
      expect(entries).toContain(`"id":"${JSON.parse(line).id}"`);
    expect(cloud.denials).toEqual([]);
  } finally {
    s3.destroy();
    await company.close();
    rmSync(folder, { recursive: true, force: true });
  }
}, 300_000);
