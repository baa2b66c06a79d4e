import { signedIdentity } from "../../aws/signed-identity.ts";
import { type Cloud, startCloud } from "../../local/aws/server.ts";
import { sts } from "../../local/aws/sts.ts";
import { callerIdentity } from "../../local/caller-identity.ts";
import { type ProgramTally, restartsIn } from "../../local/fanout/tally.ts";

const region = "eu-west-1";
const credentials = { accessKeyId: "AKIDFAKE", secretAccessKey: "FAKE-secret", sessionToken: "FAKE-session" };
const arn = "arn:aws:sts::111122223333:assumed-role/write-copies/session";

let cloud: Cloud;

beforeAll(async () => {
  cloud = await startCloud({
    services: [sts({ region, secretOf: (id) => (id === "AKIDFAKE" ? "FAKE-secret" : undefined) })],
    callers: { AKIDFAKE: { account: "111122223333", arn } },
  });
});

afterAll(() => cloud.close());

describe("the local STS says who signed a question that somebody else sends on", () => {
  const bound = { "x-goog-cloud-target-resource": "//iam.googleapis.com/a-provider" };
  const signed = (query: boolean) =>
    signedIdentity({ host: `sts.${region}.amazonaws.com`, region, query, bind: bound, credentials });
  const at = (url: string) => `${cloud.url}/${new URL(url).search}`;

  test.each([
    ["in the address, as Google has it", true],
    ["in the body, as Vault has it", false],
  ])("%s", async (_where, query) => {
    const { url, headers, body } = await signed(query);
    expect(await callerIdentity({ sts: at(url), headers, body })).toBe(arn);
  });

  test("and nobody where what the signature covers was changed", async () => {
    const { url, headers, body } = await signed(true);
    const elsewhere = { ...headers, "x-goog-cloud-target-resource": "//iam.googleapis.com/another" };
    expect(await callerIdentity({ sts: at(url), headers: elsewhere, body })).toBeUndefined();
    expect(await callerIdentity({ sts: at(`${url}&Extra=1`), headers, body })).toBeUndefined();
  });
});

describe("how hosts restarted is told by when each start served", () => {
  const start = (host: string, fromMs?: number, untilMs?: number): ProgramTally => ({
    ...{ host, requests: 1, failed: 0 },
    ...(fromMs !== undefined && { fromMs }),
    ...(untilMs !== undefined && { untilMs }),
  });
  const hosts = ["one", "two", "three"];

  test("one after another", () => {
    const tallies = [
      ...[start("one", 30, 90), start("one", 0, 10), start("two", 0, 30), start("two", 40, 90)],
      ...[start("three", 0, 50), start("three", 60, 90)],
    ];
    expect(restartsIn(tallies, hosts)).toEqual({ hosts: 3, restarted: 3, mostAtOnce: 1 });
  });

  test("two at once, and one that has not come back", () => {
    const tallies = [
      ...[start("one", 0, 10), start("one", 30, 90), start("two", 0, 20), start("two", 40, 90)],
      ...[start("three", 0, 50), start("three")],
    ];
    expect(restartsIn(tallies, hosts)).toEqual({ hosts: 3, restarted: 2, mostAtOnce: 2 });
  });
});
