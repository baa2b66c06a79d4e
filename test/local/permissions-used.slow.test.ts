import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
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

/** A leak, its replacement, a rotation, and everything that the clock runs. */
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
  const lambda = new LambdaClient(clientAs(cloud, "administrator"));
  for (const name of timed)
    await lambda.send(new InvokeCommand({ FunctionName: `rekey-production-${name}`, Payload: "{}" }));
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

/** `*` stands for every role, or for everything that one role may do. */
const covers = (pattern: string, line: string) => {
  const [role, use] = pattern.split(": ");
  const [ofRole, ofUse] = line.split(": ");
  return (role === "*" || role === ofRole) && (use === "*" || use === ofUse);
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
