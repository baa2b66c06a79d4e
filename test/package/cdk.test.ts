import { readFileSync } from "node:fs";
import { renderTemplate } from "../../serverless/template.ts";
import { deployment } from "./deployment.ts";
import { someCode } from "./packaged.ts";

const release = readFileSync(new URL("../../cdk/release.ts", import.meta.url), "utf8");

test("the construct gives on every output of the template, and no other", () => {
  const list = /const outputNames = \[(.*?)\] as const/s.exec(release)?.[1] ?? "";
  const named = [...list.matchAll(/"(\w+)"/g)].map(([, name]) => name);
  expect(named.sort()).toEqual(Object.keys(renderTemplate(deployment, someCode).Outputs).sort());
});
