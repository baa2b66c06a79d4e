import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Parameters as releaseParameters } from "../../serverless/release.ts";
import { renderTemplate } from "../../serverless/template.ts";
import { deployment } from "./deployment.ts";

const folder = fileURLToPath(new URL("../../terraform/", import.meta.url));
const [main, outputs, variables, example] = [
  "main.tf",
  "outputs.tf",
  "variables.tf",
  "examples/production/main.tf",
].map((file) => readFileSync(folder + file, "utf8"));
const code = {
  location: (name: string) => ({ S3Bucket: "bucket-FAKE", S3Key: `${name}.zip` }),
  sha256: (name: string) => Buffer.from(name).toString("base64"),
};
const template = renderTemplate(deployment, code);

test("the module gives on every output of the template, and no other", () => {
  const named = [...(outputs ?? "").matchAll(/outputs\["(\w+)"\]/g)].map(([, name]) => name);
  expect(named.sort()).toEqual(Object.keys(template.Outputs).sort());
});

test("the stack is named as the command line looks for it, and may make what the template has", () => {
  expect(main).toMatch(/name += "rekey-\$\{var\.environment\}"/);
  const types = new Set(Object.values(template.Resources).map(({ Type }) => Type));
  expect(types.has("AWS::IAM::ManagedPolicy")).toBe(true);
  expect(main).toContain('capabilities       = ["CAPABILITY_NAMED_IAM"]');
});

test("every variable of the module is used, and each one that the example sets exists", () => {
  const declared = [...(variables ?? "").matchAll(/^variable "(\w+)"/gm)].map(([, name = ""]) => name);
  for (const name of declared) expect([name, main?.includes(`var.${name}`)]).toEqual([name, true]);
  const block = /module "rekey" \{(.*?)\n\}/s.exec(example ?? "")?.[1] ?? "";
  const set = [...block.matchAll(/^ {2}(\w+) +=/gm)]
    .map(([, name = ""]) => name)
    .filter((name) => name !== "source");
  expect(set.filter((name) => !declared.includes(name))).toEqual([]);
});

test("the module gives the template's parameters, which say where the functions' code lies", () => {
  const block = /parameters += \{(.*?)\}/s.exec(main ?? "")?.[1] ?? "";
  const given = [...block.matchAll(/(\w+) += +var\.(\w+)/g)].map(([, name, variable]) => [name, variable]);
  expect(given).toEqual([
    ["CodeBucket", "code_bucket"],
    ["CodePrefix", "code_prefix"],
  ]);
  expect(Object.keys(releaseParameters)).toEqual(given.map(([name]) => name));
});

test("no value of a secret reaches a plan or the state", () => {
  expect(example).not.toMatch(/\bsecret_string\b/);
  expect(example).toMatch(/ephemeral = true/);
  expect(example).toMatch(/secret_string_wo\b/);
  for (const text of [main, outputs, variables]) expect(text).not.toMatch(/secret_string|sensitive/);
});
