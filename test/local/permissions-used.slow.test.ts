import { readFileSync, writeFileSync } from "node:fs";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { SFNClient, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { type Demonstration, startDemonstration } from "../../local/demonstration.ts";
import { denialText } from "../../local/iam/guard.ts";
import { ofType, type Stack } from "../../local/stack/resolve.ts";
import { troubleIn } from "../../local/summary.ts";
import { clientAs } from "../../local/world.ts";
import { whyUnused } from "./why-unused.ts";

const storyMs = 300_000;
const pollMs = 200;

/** What a rule runs by the clock. */
const timed = [
  ...["sweep", "tell-people", "observe-secrets", "synthetic-leak", "anchor-audit", "push-audit"],
  "export-kit",
  ...["index-secrets", "advance-campaigns"],
];

interface Story {
  readonly stack: Stack;
  /** By role, what it used: "ReadLedger dynamodb:GetItem". */
  readonly used: ReadonlyMap<string, ReadonlySet<string>>;
  readonly denied: readonly string[];
}

let story: Story;

async function until(company: Demonstration, what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const untilMs = Date.now() + storyMs; Date.now() < untilMs; ) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new Error([`no sign of ${what}`, ...troubleIn(company.cloud)].join("; "));
}

/** Starts a rotation, and gives its lease once it waits for evidence. */
async function waitingRun(company: Demonstration) {
  const { ledger, secretArn } = company;
  await company.rekey("rotate", "billing-key", "--reason", "drill");
  await until(
    company,
    "a wait for evidence",
    async () => (await ledger.secret(secretArn)).wait !== undefined,
  );
  const { lease } = await ledger.secret(secretArn);
  if (lease === undefined) throw new Error("nobody holds the secret");
  return lease;
}

/** Rotations that wait for a program that nobody started: one is aborted by order, one is stopped from outside. */
async function waitInVain(company: Demonstration): Promise<void> {
  const { ledger, secretArn, cloud, policyFile } = company;
  const consumer = "      - { name: ghost, evidence: [client], maxStale: 20s }";
  // It is in nobody's way, but makes the rotation ask.
  const freeze = "    freeze: [{ from: 2099-01-01, to: 2099-01-02, timezone: UTC, reason: far away }]";
  const policy = readFileSync(policyFile, "utf8");
  writeFileSync(policyFile, policy.replace("    consumers:\n", `${freeze}\n    consumers:\n${consumer}\n`));
  await company.rekey("apply", policyFile);
  const isFree = async () => (await ledger.secret(secretArn)).lease === undefined;

  const { runId } = await waitingRun(company);
  await company.rekey("abort", runId, "--reason", "drill");
  await until(company, "the abort's end", isFree);

  const { executionArn } = await waitingRun(company);
  const machines = new SFNClient(clientAs(cloud, "administrator"));
  await machines.send(new StopExecutionCommand({ executionArn }));
  machines.destroy();
  await until(company, "the settling of the stopped run", isFree);
}

/** What the rule on KMS records sends for a read of the secret by the consumers' role. */
function readOf(secretArn: string): object {
  const account = secretArn.split(":")[4] ?? "";
  return {
    ...{ environment: "production", own: [`arn:aws:iam::${account}:role/rekey-production-`] },
    event: {
      ...{ account, time: new Date().toISOString() },
      detail: {
        ...{ eventSource: "kms.amazonaws.com", eventName: "Decrypt" },
        userIdentity: { arn: `arn:aws:iam::${account}:role/consumers` },
        requestParameters: { encryptionContext: { SecretARN: secretArn, SecretVersionId: "some-version" } },
      },
    },
  };
}

/** A leak, its replacement, rotations, a read, and everything that the clock runs. */
async function tell(company: Demonstration): Promise<Story> {
  const { ledger, secretArn, cloud } = company;
  await company.rekey("report", company.leakIntoReport());
  await until(company, "the incident's end", async () => {
    const incidents = await ledger.incidents.incidents();
    return incidents.some(({ status, test: isTest }) => status === "closed" && !isTest);
  });
  const before = new Set((await ledger.rotations(secretArn)).map(({ rotationId }) => rotationId));
  await company.rekey("rotate", "billing-key", "--reason", "drill");
  await until(company, "the rotation's end", async () => {
    const rotations = await ledger.rotations(secretArn);
    return rotations.some(({ rotationId, outcome }) => !before.has(rotationId) && outcome === "rotated");
  });
  await waitInVain(company);
  const lambda = new LambdaClient(clientAs(cloud, "administrator"));
  for (const [name, event] of [
    ["record-read", readOf(secretArn)] as const,
    ...timed.map((each) => [each, {}] as const),
  ])
    await lambda.send(
      new InvokeCommand({ FunctionName: `rekey-production-${name}`, Payload: JSON.stringify(event) }),
    );
  lambda.destroy();
  return { stack: cloud.stack, used: cloud.used(), denied: cloud.denials.map(denialText) };
}

beforeAll(async () => {
  const company = await startDemonstration({ pace: 1, plan: "contain-first" });
  try {
    story = await tell(company);
  } finally {
    await company.close();
  }
}, 2 * storyMs);

/** The role's function or machine, however the stack has named it. */
const shortName = (id: string) =>
  id
    .replace(/Role$/, "")
    .replaceAll("Dash", "-")
    .replace(/(?!^)(?<!-)[A-Z]/g, "-$&")
    .toLowerCase();

interface Granted {
  readonly Statement: readonly {
    readonly Sid: string;
    readonly Effect: string;
    readonly Action: string | readonly string[];
  }[];
}

/** Each action that a role is allowed, as "admin: Publish events:PutEvents"; those that the story never used. */
function allowed(): { readonly all: readonly string[]; readonly unused: readonly string[] } {
  const rows = ofType(story.stack, "AWS::IAM::Role").flatMap(({ id, ref, properties }) => {
    const policies = properties["Policies"] as readonly { readonly PolicyDocument: Granted }[];
    const statements = policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
    return statements
      .filter(({ Effect }) => Effect === "Allow")
      .flatMap(({ Sid, Action }) => [Action].flat().map((action) => `${Sid} ${action}`))
      .map((use) => ({ line: `${shortName(id)}: ${use}`, isUsed: story.used.get(ref)?.has(use) === true }));
  });
  return {
    all: rows.map(({ line }) => line),
    unused: rows.filter(({ isUsed }) => !isUsed).map(({ line }) => line),
  };
}

/** `*` stands for every role. */
const covers = (pattern: string, line: string) => {
  const [role, use] = pattern.split(": ");
  const [ofRole, ofUse] = line.split(": ");
  return (role === "*" || role === ofRole) && use === ofUse;
};

test("no role of the story lacks a permission", () => {
  expect(story.denied).toEqual([]);
});

test("what is allowed to a role is used in the story, or says why it is there", () => {
  const patterns = Object.values(whyUnused).flat();
  const { unused } = allowed();
  expect(unused.filter((line) => !patterns.some((pattern) => covers(pattern, line)))).toEqual([]);
});

test("no reason is left of what nobody is allowed any more", () => {
  const { all } = allowed();
  const stale = Object.values(whyUnused)
    .flat()
    .filter((pattern) => !all.some((line) => covers(pattern, line)));
  expect(stale).toEqual([]);
});
