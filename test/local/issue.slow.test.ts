import { appendFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { rekey } from "../../local/command.ts";
import { type Demonstration, startDemonstration } from "../../local/demonstration.ts";
import { troubleIn } from "../../local/summary.ts";
import { clientAs } from "../../local/world.ts";

const secret = "agents/scout-key";
const template = `
templates:
  agent:
    { for: agent, secret: "agents/{name}-key", provider: openai-main, owner: platform, endsAfter: 7d,
      rotate: manual, overlap: 2m, quiet: 3s, soak: 1s, consumers: none }
`;

let company: Demonstration;
let manager: SecretsManagerClient;
let functions: LambdaClient;

beforeAll(async () => {
  company = await startDemonstration({ pace: 1 });
  manager = new SecretsManagerClient(clientAs(company.cloud, "administrator"));
  functions = new LambdaClient(clientAs(company.cloud, "administrator"));
}, 180_000);

afterAll(async () => {
  manager?.destroy();
  functions?.destroy();
  await company?.close();
});

const said = async (...args: readonly string[]) =>
  JSON.parse((await company.rekey(...args, "--json")).trim().split("\n").at(-1) ?? "");

async function keyInStore(): Promise<string> {
  const { SecretString = "" } = await manager.send(new GetSecretValueCommand({ SecretId: secret }));
  return SecretString;
}

const accepted = () =>
  company.provider
    .state()
    .filter(({ isAccepted }) => isAccepted)
    .map(({ keyId }) => keyId);

/** The provider accepts a new key a moment after it was made. */
async function acceptedSince(before: readonly string[]): Promise<readonly string[]> {
  for (const untilMs = Date.now() + 5_000; Date.now() < untilMs; await pause(50)) {
    const found = accepted().filter((keyId) => !before.includes(keyId));
    if (found.length > 0) return found;
  }
  return [];
}

/** What the clock does every 15 minutes. */
async function seenDead(keyId: string): Promise<void> {
  for (const untilMs = Date.now() + 90_000; Date.now() < untilMs; await pause(1_000)) {
    await functions.send(
      new InvokeCommand({ FunctionName: "rekey-production-end-issued", Payload: JSON.stringify({}) }),
    );
    const args = ["audit", "export", "scout", "--format", "jsonl"];
    const entries = await rekey(company.cloud, args, { as: "auditor" });
    // The death of the key before it names this one too, as the one that still worked.
    const isDead = (line: string) => line.includes("DeathRecorded") && line.includes(`"keyId":"${keyId}"`);
    if (entries.split("\n").some(isDead)) return;
  }
  throw new Error("the retired key was not seen dead");
}

test("under the cloud's own roles a key is issued into a secret of its own, rotates, and is ended and proven dead", async () => {
  appendFileSync(company.policyFile, template);
  await company.rekey("apply", company.policyFile);
  const before = accepted();

  const issued = await said("issue", "agent", "scout", "--owner", "search", "--for", "2d");
  expect(issued).toMatchObject({ outcome: "issued" });
  const first = await acceptedSince(before);
  expect(first).toHaveLength(1);
  const text = await keyInStore();
  expect(text.length).toBeGreaterThan(20);
  expect(JSON.stringify(issued)).not.toContain(text);

  expect(await said("rotate", "scout", "--reason", "a test", "--wait")).toMatchObject({
    outcome: "rotated",
  });
  const second = accepted().filter((keyId) => !before.includes(keyId));
  expect(second).toHaveLength(1);
  expect(second).not.toEqual(first);
  expect(await keyInStore()).not.toBe(text);
  // Who sits at a laptop orders, and checks: what `rekey history` prints as the next command works there too.
  const history = await rekey(company.cloud, ["history", "scout", "--json"], { as: "owner" });
  const [rotation = ""] = /scout-[0-9a-f]{8}-[0-9a-f-]{27}/.exec(history) ?? [];
  const proof = await rekey(company.cloud, ["prove", rotation], { as: "owner" });
  expect(proof).toMatch(/^scout: rotated by .*\(manual: a test\)/);
  expect(proof).toMatch(/\nverified; filed as /);

  await rekey(company.cloud, ["retire", "scout", "--reason", "the pilot is over"], { as: "owner" });
  await seenDead(second[0] ?? "");
  expect(accepted()).toEqual(before);
  await expect(company.rekey("rotate", "scout", "--reason", "too late")).rejects.toThrow();
  expect(company.cloud.denials).toEqual([]);
  expect(troubleIn(company.cloud)).toEqual([]);
}, 240_000);
