import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { createRekey, type Rekey, type RekeyOptions } from "../../sdk/client/index.ts";
import { AwsStub } from "./aws-stub.ts";

const credentials = { accessKeyId: "AKIDFAKE", secretAccessKey: "FAKE-secret", sessionToken: "FAKE-token" };

let stub: AwsStub;
let rekey: Rekey;

const connect = (options: Partial<RekeyOptions> = {}): Rekey => {
  rekey = createRekey({
    consumer: "billing",
    environment: "production",
    endpoint: stub.endpoint,
    credentials,
    env: {},
    ...options,
  });
  return rekey;
};

beforeEach(async () => {
  stub = await new AwsStub().start();
});

afterEach(async () => {
  await rekey.close();
  await stub.close();
});

test("a key is read with one signed call, as the AWS SDK would make it", async () => {
  const key = await connect().open({ secret: stub.arn });

  expect(key.get()).toBe("FAKE-key-1");
  expect(key.version).toMatchObject({ arn: stub.arn, versionId: "v1" });
  expect(stub.calls).toHaveLength(1);
  const sdk = new SecretsManagerClient({ endpoint: stub.endpoint, region: "eu-central-1", credentials });
  await sdk.send(new GetSecretValueCommand({ SecretId: stub.arn }));
  sdk.destroy();
  const [ours, theirs] = stub.calls;
  expect(ours?.target).toBe(theirs?.target);
  expect(ours?.body).toEqual(theirs?.body);
  expect(ours?.headers["content-type"]).toBe(theirs?.headers["content-type"]);
  expect(ours?.headers["x-amz-security-token"]).toBe("FAKE-token");
  expect(ours?.headers["authorization"]).toMatch(
    /^AWS4-HMAC-SHA256 Credential=AKIDFAKE\/\d{8}\/eu-central-1\/secretsmanager\/aws4_request, SignedHeaders=/,
  );
});

test("an ARN's own Region goes before the process's", async () => {
  await connect({ region: "us-east-1", env: { AWS_REGION: "us-east-2" } }).open({ secret: stub.arn });

  expect(stub.calls[0]?.headers["authorization"]).toContain("/eu-central-1/");
});

test("a redirect is not followed", async () => {
  const headers = { location: `${stub.endpoint}/elsewhere` };
  stub.faults.push({ status: 302, body: "", headers }, { status: 302, body: "", headers });

  await expect(connect().open({ secret: stub.arn })).rejects.toMatchObject({ reason: "network" });

  expect(new Set(stub.calls.map(({ target }) => target))).toEqual(new Set(["secretsmanager.GetSecretValue"]));
});

test("a report is put on the bus's own Region with one entry", async () => {
  const bus = "arn:aws:events:us-west-2:111122223333:event-bus/rekey-reports-production";
  await connect({ reportBus: bus }).open({ secret: stub.arn });
  await rekey.flush();

  const put = stub.calls.find(({ target }) => target === "AWSEvents.PutEvents");
  expect(put?.headers["authorization"]).toContain("/us-west-2/events/aws4_request");
  expect(put?.body["Entries"]).toEqual([
    expect.objectContaining({
      EventBusName: bus,
      Source: expect.stringMatching(/^rekey\.consumer\.\w+/),
      DetailType: "ConsumerReport",
    }),
  ]);
  expect(put?.raw).not.toContain("FAKE-key-1");
});

test("an entry that the bus dropped counts as a failed report", async () => {
  const lines: string[] = [];
  connect({ reportBus: "reports", region: "eu-central-1", log: ({ event }) => lines.push(event) });
  const opening = rekey.open({ secret: stub.arn });
  await opening.catch(() => undefined);
  await rekey.flush();
  stub.faults.push({
    status: 200,
    body: { FailedEntryCount: 1, Entries: [{ ErrorCode: "InternalFailure" }] },
  });

  await rekey.close();

  expect(lines).toEqual(["reportFailed"]);
});

test.each([
  [{ status: 400, body: { __type: "AccessDeniedException", Message: "FAKE-key-1" } }, "denied"],
  [{ status: 400, body: { __type: "com.amazonaws.x#ResourceNotFoundException" } }, "notFound"],
  [{ status: 400, body: { __type: "InvalidRequestException" } }, "refused"],
  [{ status: 200, body: "FAKE-key-1 is not JSON" }, "network"],
])("an answer like %j is a typed error (%s) that quotes nothing", async (fault, reason) => {
  stub.faults.push(fault, fault);

  const error = await connect()
    .open({ secret: stub.arn })
    .catch((thrown: Error) => thrown);

  expect(error).toMatchObject({ name: "UpstreamUnavailable", reason });
  expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain("FAKE");
});

test.each([
  { status: 503, body: "" },
  { status: 400, body: { __type: "ThrottlingException" } },
  { status: 400, body: { __type: "InternalServiceError" } },
])("an answer that may pass (%j) is asked for once more", async (fault) => {
  stub.faults.push(fault);

  expect((await connect().open({ secret: stub.arn })).get()).toBe("FAKE-key-1");
  expect(stub.calls).toHaveLength(2);
});

test("an upstream that takes the request and hangs is given up at the deadline", async () => {
  stub.hangs = true;

  const opening = connect({ timeoutMs: 50 }).open({ secret: stub.arn });

  await expect(opening).rejects.toMatchObject({ name: "UpstreamUnavailable", reason: "timeout" });
});

test("nobody listening is a typed error with the system's code", async () => {
  const opening = connect({ endpoint: "http://127.0.0.1:9" }).open({ secret: stub.arn });

  await expect(opening).rejects.toMatchObject({ name: "UpstreamUnavailable", reason: "network" });
});

test("a binary secret is refused by name", async () => {
  stub.binary = Buffer.from("FAKE-bytes").toString("base64");

  await expect(connect().open({ secret: stub.arn })).rejects.toMatchObject({ name: "KeyUnreadable" });
});

test.each([
  [
    { AWS_ENDPOINT_URL_SECRETS_MANAGER: "https://sm.test", AWS_ENDPOINT_URL: "https://all.test" },
    "https://sm.test/",
  ],
  [{ AWS_ENDPOINT_URL: "https://all.test" }, "https://all.test/"],
  [{}, "https://secretsmanager.eu-central-1.amazonaws.com/"],
])("with %j the endpoint is %s", async (env, expected) => {
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = async (input) => {
    asked.push(String(input));
    return Response.json({ ARN: stub.arn, VersionId: "v1", SecretString: "FAKE-key-1" });
  };

  await connect({ env, endpoint: undefined, fetch }).open({ secret: stub.arn });

  expect(asked).toEqual([expected]);
});

test("a name without an ARN needs a Region, and one from the environment will do", async () => {
  await expect(connect().open({ secret: "billing" })).rejects.toMatchObject({ name: "OptionInvalid" });
  await rekey.close();

  await connect({ env: { AWS_REGION: "ap-south-1" } }).open({ secret: "billing" });

  expect(stub.calls[0]?.headers["authorization"]).toContain("/ap-south-1/");
});
