import { createServer, type Server } from "node:http";
import { text } from "node:stream/consumers";
import { webIdentityToken } from "../../stores/azure-key-vault/web-identity.ts";

const audience = "api://AzureADTokenExchange";
const role = "arn:aws:iam::111122223333:role/rekey-azure";
const kept = { ...process.env };
let server: Server;
let asked: Readonly<Record<string, string>>[] = [];
let answer: (form: Readonly<Record<string, string>>) => readonly [number, string];

const assumed = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIAFAKEROLE</AccessKeyId><SecretAccessKey>FAKE</SecretAccessKey><SessionToken>FAKE</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;
const stated = `<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetWebIdentityTokenResult>
<WebIdentityToken>eyFAKE.statement</WebIdentityToken></GetWebIdentityTokenResult></GetWebIdentityTokenResponse>`;

beforeEach(async () => {
  asked = [];
  answer = ({ Action }) => [200, Action === "AssumeRole" ? assumed : stated];
  server = createServer(async (request, reply) => {
    const form = Object.fromEntries(new URLSearchParams(await text(request)));
    const by = /Credential=(\w+)\//.exec(request.headers.authorization ?? "")?.[1] ?? "";
    asked.push({ ...form, by });
    const [status, body] = answer(form);
    reply.writeHead(status, { "content-type": "text/xml" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  Object.assign(process.env, {
    ...{ AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${port}`, AWS_REGION: "eu-central-1" },
    ...{ AWS_ACCESS_KEY_ID: "ASIAFAKEOWN", AWS_SECRET_ACCESS_KEY: "FAKE" },
  });
});

afterEach(async () => {
  process.env = { ...kept };
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("is AWS's statement of the own role, for one audience and five minutes", async () => {
  expect((await webIdentityToken({ audience })).reveal()).toBe("eyFAKE.statement");
  expect(asked).toEqual([
    expect.objectContaining({
      ...{ Action: "GetWebIdentityToken", "Audience.member.1": audience, by: "ASIAFAKEOWN" },
      ...{ SigningAlgorithm: "RS256", DurationSeconds: "300" },
    }),
  ]);
});

test("is that of the role that the deployment names, where it names one", async () => {
  await webIdentityToken({ audience, role });
  expect(asked.map(({ Action, RoleArn, by }) => [Action, RoleArn, by])).toEqual([
    ["AssumeRole", role, "ASIAFAKEOWN"],
    ["GetWebIdentityToken", undefined, "ASIAFAKEROLE"],
  ]);
});

test("that the account does not give is told by the name of the refusal", async () => {
  const code = "OutboundWebIdentityFederationDisabled";
  answer = () => [
    403,
    `<ErrorResponse><Error><Code>${code}</Code><Message>FAKE</Message></Error></ErrorResponse>`,
  ];
  await expect(webIdentityToken({ audience })).rejects.toMatchObject({
    ...{ name: "StoreUnavailable", message: expect.stringMatching(/no token for api:.*OutboundWebIdentity/) },
  });
});
