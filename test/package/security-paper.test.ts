import { readFileSync } from "node:fs";
import { powersPage } from "../../docs/security-powers.ts";
import { readDeployment, settingsOf } from "../../serverless/deployment.ts";
import { rendered } from "./packaged.ts";

const example = readDeployment({ stage: "production", region: "us-east-1", settings: settingsOf("example") });
const template = rendered(example);
const page = readFileSync(new URL("../../docs/security-paper.md", import.meta.url), "utf8");

test("what docs/security-paper.md says of a taken-over function is what its rendered role may do: `npm run docs:security`", () => {
  expect(page).toContain(powersPage(template));
});

test("nobody who signs writes the ledger, and one more grant changes the page", () => {
  const rows = powersPage(template).split("\n");
  const signers = rows.filter((row) => row.includes("sign checkpoints"));
  expect(signers.length).toBeGreaterThan(0);
  for (const row of signers) expect(row).not.toContain("write its own kinds");
  const [id = "", role] = Object.entries(template).find(([name]) => name === "FileDashreportRole") ?? [];
  const widened = structuredClone(role) as unknown as {
    Properties: { Policies: { PolicyDocument: { Statement: object[] } }[] };
  };
  const grant = { Effect: "Allow", Action: ["kms:Sign"], Resource: ["*"] };
  widened.Properties.Policies[0]?.PolicyDocument.Statement.push(grant);
  expect(powersPage({ ...template, [id]: widened as never })).not.toBe(powersPage(template));
});

test.each(["SOC 2", "ISO 27001:2022", "CPS 234", "NIST CSF 2.0", "GDPR"])(
  "the table of controls has %s",
  (framework) => {
    const rows = page.split("\n").filter((line) => line.startsWith(`| ${framework} |`));
    expect(rows.length).toBeGreaterThan(1);
    for (const row of rows) expect(row.split("|")).toHaveLength(6);
  },
);
