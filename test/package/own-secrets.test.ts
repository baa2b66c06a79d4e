import { ownSecrets } from "../../functions/wiring/settings.ts";
import { environmentFor } from "../../serverless/environment.ts";
import { deployment, given } from "./deployment.ts";

const before = { ...process.env };
afterEach(() => {
  process.env = { ...before };
});

/** As Lambda has it: what the template refers to is some text by then. */
function deploy(parameters: Partial<typeof deployment>): void {
  const variables = Object.entries(environmentFor({ ...deployment, ...parameters }));
  for (const [name, value] of variables) process.env[name] = typeof value === "string" ? value : "FAKE";
}

test("every credential that the deployment is given is known as what it is", () => {
  const signing = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rekey/intake/github-FAKE04";
  deploy({ ...given, intakeSecrets: { github: signing } });

  expect(ownSecrets()).toEqual([
    { secretArn: signing, role: "intake" },
    { secretArn: given.githubToken, role: "githubToken" },
    { secretArn: given.pagerdutySecret, role: "pagerdutyKey" },
    { secretArn: given.slackSecret, role: "slackWebhook" },
    { secretArn: given.auditCollector.secret, role: "auditCollector" },
  ]);
});

test("a deployment that is given none has none", () => {
  deploy({});

  expect(ownSecrets()).toEqual([]);
});
