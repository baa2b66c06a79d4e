/** `npm run docs:security`: writes what each taken-over function could do into docs/security-paper.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { readDeployment, settingsOf } from "../serverless/deployment.ts";
import { renderTemplate } from "../serverless/template.ts";
import { powersPage } from "./security-powers.ts";

const page = new URL("security-paper.md", import.meta.url);
const marked = /(<!-- powers -->\n)[\s\S]*?(\n<!-- end of powers -->)/;

const given = { stage: "production", region: "us-east-1", settings: settingsOf("example") };
const code = { location: (name: string) => ({ S3Key: name }), sha256: (name: string) => name };
const { Resources } = renderTemplate(readDeployment(given), code);
const text = readFileSync(page, "utf8");
writeFileSync(
  page,
  text.replace(marked, (_, before: string, after: string) => `${before}${powersPage(Resources)}${after}`),
);
