import { createServer, type Server } from "node:http";
import { text } from "node:stream/consumers";
import { ecsPlatform } from "../../consumers/ecs.ts";
import { lambdaPlatform } from "../../consumers/lambda.ts";
import { awsPlatforms } from "../../consumers/reach.ts";

const other = "444455556666";
const role = `arn:aws:iam::${other}:role/rekey-workloads`;
const service = (account: string) => `arn:aws:ecs:eu-central-1:${account}:service/main/search`;
const functionArn = `arn:aws:lambda:eu-central-1:${other}:function:search`;
const kept = { ...process.env };
let server: Server;
let asked: string[] = [];

const assumed = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIAFAKETHERE</AccessKeyId><SecretAccessKey>FAKE</SecretAccessKey><SessionToken>FAKE</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;
const described = { services: [{ status: "ACTIVE", deployments: [{ id: "ecs-svc/1", status: "PRIMARY" }] }] };

beforeEach(async () => {
  asked = [];
  server = createServer(async (request, reply) => {
    const body = await text(request);
    const by = /Credential=(\w+)\//.exec(request.headers.authorization ?? "")?.[1];
    if (body.includes("Action=AssumeRole")) {
      asked.push(`${by} assumes ${new URLSearchParams(body).get("RoleArn")}`);
      reply.writeHead(200, { "content-type": "text/xml" }).end(assumed);
      return;
    }
    asked.push(`${by} asks`);
    const answer = request.method === "GET" ? { LastModified: "2026-12-01" } : described;
    reply.writeHead(200, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  Object.assign(process.env, {
    ...{ AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`, AWS_REGION: "eu-central-1" },
    ...{ AWS_ACCESS_KEY_ID: "ASIAFAKEOWN", AWS_SECRET_ACCESS_KEY: "FAKE" },
  });
});

afterEach(async () => {
  process.env = { ...kept };
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const reach = () =>
  awsPlatforms(
    {
      http: { send: () => Promise.reject(new Error("nobody calls this")) },
      read: () => Promise.reject(new Error("nobody reads this")),
      newNonce: () => "n",
      pause: async () => undefined,
    },
    { [other]: role },
  );

test("a service and a function of another account are asked for by the role that the deployment names there", async () => {
  const { ecs, lambda } = reach();
  expect(await ecsPlatform(ecs).marks(service(other))).toEqual(["ecs-svc/1"]);
  expect(await ecsPlatform(ecs).marks(service(other))).toEqual(["ecs-svc/1"]);
  await lambdaPlatform(lambda).marks(functionArn);
  expect(asked).toEqual([
    ...[`ASIAFAKEOWN assumes ${role}`, "ASIAFAKETHERE asks", "ASIAFAKETHERE asks"],
    ...[`ASIAFAKEOWN assumes ${role}`, "ASIAFAKETHERE asks"],
  ]);
});

test("one's own, and those of an account without a role, by the function's own", async () => {
  const { ecs } = reach();
  await ecsPlatform(ecs).marks(service("111122223333"));
  await ecsPlatform(ecs).marks(service("777788889999"));
  expect(asked).toEqual(["ASIAFAKEOWN asks", "ASIAFAKEOWN asks"]);
});
