import { readFileSync } from "node:fs";
import { costsOf, costsPage } from "../../aws/costs.ts";
import { readDeployment, settingsOf } from "../../serverless/deployment.ts";
import { rendered } from "./packaged.ts";

const example = readDeployment({ stage: "production", region: "us-east-1", settings: settingsOf("example") });
const template = rendered(example);

test("what docs/deploy.md says of costs is what the template costs: `npm run docs:costs`", () => {
  const page = readFileSync(new URL("../../docs/deploy.md", import.meta.url), "utf8");
  expect(page).toContain(costsPage(template));
});

test("one more key and one more alarm on two metrics cost what AWS takes for them", () => {
  const sum = (resources: typeof template) =>
    costsOf(resources).fixed.reduce((total, { dollarsMonth }) => total + dollarsMonth, 0);
  const alarm = { Metrics: [{ MetricStat: {} }, { MetricStat: {} }, { Expression: "m1+m2" }] };
  const more = {
    ...template,
    AnotherKey: { Type: "AWS::KMS::Key", Properties: {} },
    AnotherAlarm: { Type: "AWS::CloudWatch::Alarm", Properties: alarm },
  };
  expect(sum(more) - sum(template)).toBeCloseTo(1.2, 6);
});
