import { readDeployment } from "../../serverless/deployment.ts";
import { deployment } from "./deployment.ts";

const defaults: Readonly<Record<string, unknown>> = {
  "sls:stage": "production",
  "self:provider.region": "eu-central-1",
  "param:secrets": "api-keys/*",
  "param:adminSecrets": "rekey/admin/*",
  "param:auditLockMode": "GOVERNANCE",
  "param:auditLockDays": 365,
  "param:logRetentionDays": 90,
};

function read(given: Readonly<Record<string, unknown>> = {}) {
  const values = { ...defaults, ...given };
  return readDeployment({ resolveVariable: async (address) => values[address] ?? "" });
}

test("parameters that are not given add nothing", async () => {
  expect(await read()).toEqual(deployment);
});

test("a list is separated by commas, with or without spaces", async () => {
  const { consumerAccounts } = await read({ "param:consumerAccounts": "111122223333, 444455556666," });
  expect(consumerAccounts).toEqual(["111122223333", "444455556666"]);
});

test("each source of alerts has the secret that it signs with", async () => {
  const arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rekey/intake/github-FAKE01";
  expect((await read({ "param:intakeSecrets": `github=${arn}` })).intakeSecrets).toEqual({ github: arn });
});

test.each([
  ["secrets", "*"],
  ["secrets", "api-*-keys"],
  ["adminSecrets", "*"],
  ["consumerAccounts", "*"],
  ["consumerAccounts", "11112222333"],
  ["refreshAllowed", "arn:aws:ecs:eu-central-1:123456789012:service/*"],
  ["refreshAllowed", "arn:aws:iam::123456789012:role/FAKE"],
  ["secretKeys", "alias/secrets"],
  ["intakeSecrets", "github=rekey/intake/github"],
  ["slackSecret", "https://hooks.slack.com/FAKE"],
  ["docsUrl", "http://example.com/docs/"],
  ["auditLockMode", "NONE"],
  ["auditLockDays", "0"],
])("%s refuses %s", async (name, value) => {
  await expect(read({ [`param:${name}`]: value })).rejects.toThrow(`the parameter ${name} is not valid`);
});

test("a stage that would not fit into the names of roles is refused", async () => {
  await expect(read({ "sls:stage": "Production of the whole company" })).rejects.toThrow(
    "the parameter stage",
  );
});
