/** `npm run docs:costs`: writes what a deployment costs into docs/deploy.md, from the rendered template. */
import { readFileSync, writeFileSync } from "node:fs";
import { costsPage } from "../aws/costs.ts";
import { readDeployment, settingsOf } from "../serverless/deployment.ts";
import { renderTemplate } from "../serverless/template.ts";

const page = new URL("deploy.md", import.meta.url);
const marked = /(<!-- costs -->\n)[\s\S]*?(\n<!-- end of costs -->)/;

const given = { stage: "production", region: "us-east-1", settings: settingsOf("example") };
const code = { location: (name: string) => ({ S3Key: name }), sha256: (name: string) => name };
const { Resources } = renderTemplate(readDeployment(given), code);
const text = readFileSync(page, "utf8");
writeFileSync(
  page,
  text.replace(marked, (_, before: string, after: string) => `${before}${costsPage(Resources)}${after}`),
);
