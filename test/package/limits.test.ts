import { readDeployment } from "../../serverless/deployment.ts";
import { lengthOf } from "../../serverless/limits.ts";
import { deployment } from "./deployment.ts";
import { ofType, rendered, resource, statementsOf } from "./packaged.ts";

const arn = (service: string, rest: string) => `arn:aws:${service}:eu-central-1:123456789012:${rest}`;
const many = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, n) => make(n));
const targets = many(100, (n) => arn("ecs", `service/production-cluster/a-service-with-a-long-name-${n}`));
const names = many(300, (n) =>
  arn("secretsmanager", `secret:production/team-${n}/provider-key-FAKE0${n % 10}`),
);

test("three hundred secrets and a hundred refresh targets fit, when tags say which they are", () => {
  const template = rendered({ ...deployment, secrets: ["tagged"], refreshAllowed: ["tagged"] });
  const environments = ofType(template, "AWS::Lambda::Function").map(([, { Properties }]) =>
    lengthOf(Properties["Environment"]),
  );
  expect(Math.max(...environments)).toBeLessThan(2_500);
  const rotated = statementsOf(resource(template, "MintDashkeyRole")).find(
    ({ Sid }) => Sid === "TaggedSecrets",
  );
  expect(rotated).toMatchObject({
    Condition: {
      StringEquals: { "aws:ResourceTag/Environment": "production", "aws:ResourceTag/Rekey": "rotated" },
    },
  });
  const nudging = statementsOf(resource(template, "NudgeDashconsumersRole"));
  expect(nudging.filter(({ Sid }) => Sid.startsWith("Tagged")).map(({ Action }) => Action)).toEqual([
    ["ecs:DescribeServices", "ecs:UpdateService"],
    ["lambda:GetFunctionConfiguration", "lambda:UpdateFunctionConfiguration"],
    ["sqs:SendMessage"],
  ]);
});

test("what AWS would refuse half-way through a deployment is refused before it, by name", () => {
  expect(() => rendered({ ...deployment, secrets: names })).toThrow(
    /the inline policy of \w+Role has about \d+ characters, of at most 10240.*`tagged` in secrets and refreshAllowed/s,
  );
  expect(() => rendered({ ...deployment, refreshAllowed: targets })).toThrow(
    /the environment of \w+LambdaFunction has about \d+ characters, of at most 4096/,
  );
});

test("a pattern of events never grows with the names: beyond ten it takes every secret of the account", () => {
  const patternOf = (secrets: readonly string[]) =>
    JSON.stringify(
      resource(rendered({ ...deployment, secrets }), "RecordDashreadRule").Properties["EventPattern"],
    );
  expect(patternOf(names.slice(0, 10))).toContain("team-9/provider-key");
  for (const secrets of [names.slice(0, 11), ["tagged"]]) {
    expect(patternOf(secrets)).not.toContain("team-");
    expect(patternOf(secrets)).toContain("secret:");
  }
});

test("`tagged` is read from a stage's file beside exact targets", () => {
  const settings = { secrets: ["tagged"], refreshAllowed: ["tagged", targets[0]] };
  expect(readDeployment({ stage: "production", region: "eu-central-1", settings })).toMatchObject(settings);
});
