import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentialChain, type Environment, type Fetch } from "../../sdk/client/credentials.ts";
import { VirtualTime } from "./world.ts";

const minuteMs = 60_000;

/** A container's credential endpoint: remembers who asked for what, and how often. */
class ContainerEndpoint {
  readonly asked: { url: string; token: string | null }[] = [];
  answer: () => Response = () => new Response("{}");

  readonly fetch: Fetch = async (input, init) => {
    this.asked.push({ url: String(input), token: new Headers(init?.headers).get("authorization") });
    return this.answer();
  };
}

const answering = (time: VirtualTime, endpoint: ContainerEndpoint) => {
  endpoint.answer = () =>
    Response.json({
      AccessKeyId: `FAKE-${endpoint.asked.length}`,
      SecretAccessKey: "FAKE-secret",
      Token: "FAKE-token",
      Expiration: new Date(time.clock.wallMs() + 60 * minuteMs).toISOString(),
    });
};

const world = (env: Environment) => {
  const time = new VirtualTime();
  const endpoint = new ContainerEndpoint();
  answering(time, endpoint);
  return {
    time,
    endpoint,
    source: credentialChain({ env, fetch: endpoint.fetch, wallMs: time.clock.wallMs }),
  };
};

test("environment variables come first", async () => {
  const { source, endpoint } = world({
    AWS_ACCESS_KEY_ID: "FAKE-id",
    AWS_SECRET_ACCESS_KEY: "FAKE-secret",
    AWS_SESSION_TOKEN: "FAKE-token",
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/creds",
  });

  expect(await source()).toEqual({
    accessKeyId: "FAKE-id",
    secretAccessKey: "FAKE-secret",
    sessionToken: "FAKE-token",
  });
  expect(endpoint.asked).toEqual([]);
});

test("an ECS task asks the documented address, once for everybody, and again before the end", async () => {
  const { source, endpoint, time } = world({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/creds" });

  const [first] = await Promise.all(Array.from({ length: 100 }, source));
  expect(first).toMatchObject({ accessKeyId: "FAKE-1", sessionToken: "FAKE-token" });
  await time.pass(50 * minuteMs);
  expect(await source()).toMatchObject({ accessKeyId: "FAKE-1" });
  await time.pass(6 * minuteMs);

  expect(await source()).toMatchObject({ accessKeyId: "FAKE-2" });
  expect(endpoint.asked[0]).toEqual({ url: "http://169.254.170.2/creds", token: null });
});

test("a pod sends the token that is in its file now", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rekey-"));
  const file = join(folder, "token");
  try {
    const { source, endpoint, time } = world({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/v1/credentials",
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file,
    });
    await writeFile(file, "FAKE-first\n");
    await source();
    await writeFile(file, "FAKE-second\n");
    await time.pass(56 * minuteMs);
    await source();

    expect(endpoint.asked.map(({ token }) => token)).toEqual(["FAKE-first", "FAKE-second"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.each([
  ["http://169.254.169.254/latest", false],
  ["http://example.com/creds", false],
  ["http://127.0.0.1.example.com/creds", false],
  ["ftp://localhost/creds", false],
  ["http://127.0.0.1:8080/creds", true],
  ["http://localhost/creds", true],
  ["http://[::1]/creds", true],
  ["http://[fd00:ec2::23]/v1/credentials", true],
  ["https://example.com/creds", true],
])("credentials from %s are wanted: %s", async (url, isWanted) => {
  const { source, endpoint } = world({ AWS_CONTAINER_CREDENTIALS_FULL_URI: url });

  const answer = await source().catch((error: Error) => error.name);

  expect(answer === "CredentialsMissing").toBe(!isWanted);
  expect(endpoint.asked.length).toBe(isWanted ? 1 : 0);
});

test.each([
  ["an error", () => new Response("FAKE-secret", { status: 500 })],
  ["no keys", () => Response.json({ Message: "FAKE-secret" })],
])("an endpoint that answers %s is named, not quoted, and asked again", async (_, answer) => {
  const { source, endpoint, time } = world({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/creds" });
  endpoint.answer = answer;

  const error = await source().catch((reason: Error) => reason);
  expect(error).toMatchObject({ name: "CredentialsMissing" });
  expect(String(error)).not.toContain("FAKE");

  answering(time, endpoint);
  expect(await source()).toMatchObject({ accessKeyId: "FAKE-2" });
});

test("a token with a line break in it is not sent", async () => {
  const { source, endpoint } = world({
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/creds",
    AWS_CONTAINER_AUTHORIZATION_TOKEN: "FAKE\r\nx-injected: yes",
  });

  await expect(source()).rejects.toThrow();
  expect(endpoint.asked).toEqual([]);
});
