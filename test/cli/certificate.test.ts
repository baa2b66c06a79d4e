import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { rotationCertificateName } from "../../audit/certificates.ts";
import { signedDigestOf } from "../../audit/dsse.ts";
import { csvLines } from "../../cli/csv.ts";
import { arnOf, NOON_MS } from "../contract/admin-world.ts";
import { memoryCheckpoints } from "../contract/checkpoint-world.ts";
import { golden, goldenKey, goldenPem } from "../machine/certificate/golden.ts";
import { appliedWorld, rekey } from "./cli-world.ts";

const text = golden("rotated");
const secretArn = arnOf("billing-key");
const path = rotationCertificateName(secretArn, "r-1");
const reader = {
  read: async (name: string) => (name === path ? text : undefined),
  publicKey: async () => goldenKey().export({ type: "spki", format: "der" }),
};

/** A secret whose run r-1 has ended with the golden certificate. */
async function certified() {
  const { world } = await appliedWorld();
  const policy = await world.ledger.policy(secretArn);
  if (policy === undefined) throw new Error("the secret was not applied");
  await world.ledger.changeRotation({ secretArn, rotationId: "r-1" }, () => ({
    ...{ rotationId: "r-1", secretArn, executionArn: "arn", fence: 1, trigger: "schedule", policy },
    ...{ openedAtMs: NOON_MS, closedAtMs: NOON_MS + 1, outcome: "rotated" as const },
    opened: { outcome: "opened" as const, next: "MintKey" as const, fence: 1 },
    certificate: { path, sha256: signedDigestOf(text) ?? "", keyid: "" },
  }));
  return world;
}

describe("prove", () => {
  test.each(["r-1", "billing-key", secretArn])("shows the certificate of %s, verified", async (named) => {
    const shown = await rekey(await certified(), `prove ${named}`, { certificates: reader });
    expect(shown).toMatchObject({ code: 0, err: "" });
    expect(shown.out).toContain("adoption is reported, which is what its weakest row is worth");
    expect(shown.out).toMatch(/search\s+search-2\s+client\s+reported/);
    expect(shown.out).toContain("not checked: programs that hold the key and report to nobody");
    expect(shown.out).toContain(`verified; filed as ${path}`);
  });

  test("fits 60 columns", async () => {
    const shown = await rekey(await certified(), "prove r-1", { certificates: reader, width: 60 });
    expect(shown.code).toBe(0);
    expect(shown.out).toContain("CONSUMER");
  });

  test("prints the very bytes that were signed, so that verify takes them", async () => {
    const shown = await rekey(await certified(), "prove r-1 --json", { certificates: reader });
    expect(`${shown.out}\n`).toBe(text);
  });

  test("refuses a file that is not the one that was filed", async () => {
    const certificates = { ...reader, read: async () => golden("overdue-then-resumed") };
    const shown = await rekey(await certified(), "prove r-1", { certificates });
    expect(shown.code).toBe(1);
    expect(shown.err).toMatch(/error: certificates\/.*: it is about rotation:r-2, not about r-1/);
  });

  test("says what is missing: a certificate, a name, or the settings", async () => {
    const world = await certified();
    expect((await rekey(world, "prove r-9", { certificates: reader })).err).toContain('is called "r-9"');
    expect((await rekey(world, "prove r-1")).err).toContain("REKEY_AUDIT_BUCKET");
    const { world: fresh } = await appliedWorld();
    expect((await rekey(fresh, "prove billing-key", { certificates: reader })).err).toContain(
      "there is no certificate of billing-key",
    );
  });
});

describe("verify", () => {
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
  const files = {
    "r-1.json": text,
    "r-2.json": text,
    "key.pem": goldenPem(),
    "other.pem": createPublicKey(other.export({ type: "spki", format: "pem" }))
      .export({ type: "spki", format: "pem" })
      .toString(),
    "spaced.json": text.replace("{", "{ "),
  };
  const verify = async (line: string) => {
    const { world } = await appliedWorld();
    return rekey(world, `verify ${line}`, { files });
  };

  test("accepts a certificate of the run that its file names, or that --of names", async () => {
    expect(await verify("r-1.json --key key.pem")).toMatchObject({ code: 0, err: "" });
    const shown = await verify("r-2.json --key key.pem --of r-1 --json");
    expect(shown.json()).toMatchObject({ type: "verification", verified: true, of: "r-1" });
  });

  test.each([
    ["r-2.json --key key.pem", "it is about rotation:r-1, not about r-2"],
    ["r-1.json --key key.pem --of r-0", "it is about rotation:r-1, not about r-0"],
    ["r-1.json --key other.pem", "it names another key than"],
    ["spaced.json --key key.pem --of r-1", "its JSON is not in the canonical form"],
    ["key.pem --key key.pem", "it is no DSSE envelope"],
  ])("refuses %s and says why", async (line, why) => {
    const shown = await verify(line);
    expect(shown.code).toBe(1);
    expect(shown.err).toContain(why);
  });

  test("needs a public key and a file that can be read", async () => {
    expect(await verify("r-1.json --key r-1.json")).toMatchObject({ code: 2 });
    expect(await verify("nowhere.json --key key.pem")).toMatchObject({ code: 2 });
    expect(await verify("r-1.json")).toMatchObject({ code: 2 });
  });
});

test("history tells what happened, why, by whom, and how it ended", async () => {
  const world = await certified();
  const shown = await rekey(world, "history billing-key");
  expect(shown).toMatchObject({ code: 0, err: "" });
  expect(shown.out).toMatch(/billing-key\s+policy\s+/);
  expect(shown.out).toMatch(/rotation\s+r-1\s+schedule\s+schedule\s+rotated\s+rekey prove r-1/);
  expect((await rekey(world, "history --json")).json()).toMatchObject({
    type: "history",
    happenings: [{ kind: "policy" }, { kind: "rotation", id: "r-1", certificate: path }],
  });
});

describe("audit show and export", () => {
  test("show the entries, who did them, and how each chain ends", async () => {
    const { world } = await appliedWorld();
    const checkpoints = memoryCheckpoints(world.audit, () => NOON_MS);
    await checkpoints.write(secretArn);
    const shown = await rekey(world, "audit show billing-key", { checkpoints });
    expect(shown).toMatchObject({ code: 0, err: "" });
    expect(shown.out).toMatch(/billing-key\s+PolicyApplied/);
    expect(shown.out).toMatch(
      /LOG\s+ENTRIES\s+CHAIN\s+HEAD\s+CHECKPOINT\nbilling-key\s+1\s+verified\s+[0-9a-f]{16}\s+1 of /,
    );
  });

  test("take a time and an actor", async () => {
    const { world } = await appliedWorld();
    await world.send({ command: "hold", secret: "billing-key", reason: "=cmd()" });
    expect((await rekey(world, "audit export billing-key --since 1d")).out).toContain("PolicyApplied");
    expect((await rekey(world, "audit export billing-key --until 2020-01-01")).out).not.toContain("Applied");
    expect((await rekey(world, "audit show billing-key --actor nobody")).out).toContain("no entry fits");
    expect(await rekey(world, "audit show --since soon")).toMatchObject({ code: 2 });
    expect(await rekey(world, "audit export --format xml")).toMatchObject({ code: 2 });
  });

  test("as CSV, JSON lines and OCSF hold entries, heads and checkpoints", async () => {
    const { world } = await appliedWorld();
    const checkpoints = memoryCheckpoints(world.audit, () => NOON_MS);
    await checkpoints.write(secretArn);
    const lines = async (format: string) =>
      (await rekey(world, `audit export billing-key --format ${format}`, { checkpoints })).out.split("\n");

    const csv = await lines("csv");
    expect(csv[0]).toBe("record,chain,seq,at,actor,action,detail,previousHash,hash");
    expect(csv.map((line) => line.split(",")[0])).toEqual(["record", "entry", "head", "checkpoint"]);

    const json = (await lines("jsonl")).map((line) => JSON.parse(line));
    expect(json).toMatchObject([
      { type: "entry", seq: 1, action: "PolicyApplied" },
      { type: "head", verified: true, checkpoint: { seq: 1 } },
    ]);

    const ocsf = (await lines("ocsf")).map((line) => JSON.parse(line));
    expect(ocsf[0]).toMatchObject({
      ...{
        class_uid: 3004,
        category_uid: 3,
        activity_id: 3,
        type_uid: 300403,
        time: NOON_MS,
        severity_id: 1,
      },
      metadata: { version: "1.8.0", product: { name: "rekey" } },
      entity: { uid: secretArn, name: "billing-key" },
    });
    expect(ocsf[0].actor.user.uid).toMatch(/^arn:/);
  });

  test.each([
    ["=1+1", '"\'=1+1"'],
    ["+49", '"\'+49"'],
    ["-1", '"\'-1"'],
    ["@sum", '"\'@sum"'],
    ["\tx", '"\'\tx"'],
    ['a "b", c', '"a ""b"", c"'],
    ["plain", "plain"],
  ])("a cell %j is written as %s", (cell, written) => {
    expect(csvLines([[cell]])).toEqual([written]);
  });
});
