import type { CallerProof } from "../../aws/caller-proof.ts";
import { proofOf } from "../../cli/admin-client.ts";
import { stsCallerIdentity } from "../../functions/adapters/caller-identity.ts";
import { nodeDigest } from "../../functions/wiring/base.ts";
import { type Cloud, startCloud } from "../../local/aws/server.ts";
import { sts } from "../../local/aws/sts.ts";
import { boundedHttp } from "../../providers/http.ts";

const account = "111122223333";
const anna = { accessKeyId: "AKIAFAKEANNA0000", secretAccessKey: "FAKE-ANNA" };
const eve = { accessKeyId: "AKIAFAKEEVE00000", secretAccessKey: "FAKE-EVE" };
const annaArn = `arn:aws:sts::${account}:assumed-role/operator/anna`;
const eveArn = "arn:aws:sts::999900001111:assumed-role/operator/eve";
const order = '{"command":"hold","nonce":"1"}';

let cloud: Cloud;

beforeAll(async () => {
  cloud = await startCloud({
    services: [
      sts({
        region: "eu-west-1",
        secretOf: (id) => [anna, eve].find(({ accessKeyId }) => accessKeyId === id)?.secretAccessKey,
      }),
    ],
    callers: {
      [anna.accessKeyId]: { account, arn: annaArn },
      [eve.accessKeyId]: { account: "999900001111", arn: eveArn },
    },
  });
});

afterAll(() => cloud.close());

interface Given {
  readonly credentials?: typeof anna & { readonly sessionToken?: string };
  readonly table?: string;
  readonly region?: string;
  readonly order?: string;
}

function proof({
  credentials = anna,
  table = "rekey-production",
  region = "eu-west-1",
  ...given
}: Given = {}) {
  return proofOf(given.order ?? order, { region, credentials }, { table, stsEndpoint: () => cloud.url });
}

async function identify(given: CallerProof, { text = order, peopleRoles = ["operator"] } = {}) {
  const identity = stsCallerIdentity({
    ...{ endpoint: cloud.url, region: "eu-west-1", account, table: "rekey-production", peopleRoles },
    http: boundedHttp({ allowHosts: [new URL(cloud.url).host], allowLoopback: true }),
  });
  return identity({ proof: given, orderSha256: nodeDigest.sha256Hex(text) });
}

test("AWS says whose credentials signed the order", async () => {
  expect(await identify(await proof())).toEqual({ principal: annaArn, signedBy: annaArn });
  const temporary = { ...anna, sessionToken: "FAKE-TOKEN" };
  expect(await identify(await proof({ credentials: temporary }))).toMatchObject({ principal: annaArn });
});

test("of a role whose sessions are no persons only the role is recorded", async () => {
  expect(await identify(await proof(), { peopleRoles: [] })).toEqual({
    ...{ principal: `arn:aws:iam::${account}:role/operator`, signedBy: annaArn },
  });
});

describe("refused is", () => {
  test("another order than the one that was signed", async () => {
    expect(await identify(await proof(), { text: order.replace("hold", "stop") })).toMatchObject({
      refusal: expect.stringContaining("does not know the signature"),
    });
  });

  test("an order to another deployment", async () => {
    expect(await identify(await proof({ table: "rekey-staging" }))).toHaveProperty("refusal");
    expect(await identify(await proof({ region: "eu-north-1" }))).toMatchObject({
      refusal: "the proof of who calls is for Region eu-north-1, not eu-west-1",
    });
  });

  test("Anna's access key id with another secret", async () => {
    const forged = { ...anna, secretAccessKey: eve.secretAccessKey };
    expect(await identify(await proof({ credentials: forged }))).toHaveProperty("refusal");
  });

  test("a principal of another account", async () => {
    expect(await identify(await proof({ credentials: eve }))).toMatchObject({
      refusal: expect.stringContaining("of account 999900001111"),
    });
  });

  test("a proof that leaves the order's header unsigned, names another action's form, or is no signature", async () => {
    const signed = await proof();
    const without = signed.authorization.replace(";x-rekey-order", "");
    expect(await identify({ ...signed, authorization: without })).toMatchObject({
      refusal: "the proof of who calls does not sign the order",
    });
    const twice = `${signed.authorization}\r\nhost: example.com`;
    expect(await identify({ ...signed, authorization: twice })).toMatchObject({
      refusal: "the proof of who calls is not a signature for STS",
    });
  });
});

test("an STS that does not answer is no refusal: the order may be given again", async () => {
  const identity = stsCallerIdentity({
    ...{ endpoint: "http://127.0.0.1:1", region: "eu-west-1", account, table: "rekey-production" },
    peopleRoles: [],
    http: boundedHttp({ allowHosts: ["127.0.0.1:1"], allowLoopback: true }),
  });
  const claim = { proof: await proof(), orderSha256: nodeDigest.sha256Hex(order) };
  await expect(identity(claim)).rejects.toMatchObject({ name: "StoreUnavailable" });
});
