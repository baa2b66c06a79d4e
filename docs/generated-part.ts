import { readFileSync, writeFileSync } from "node:fs";
import { readDeployment, settingsOf } from "../serverless/deployment.ts";
import { renderTemplate } from "../serverless/template.ts";

/** Puts a text between the two marks `<!-- name -->` and `<!-- end of name -->` of a page. */
export function writePart(page: URL, part: { readonly name: string; readonly text: string }): void {
  const { name, text } = part;
  const marked = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(\\n<!-- end of ${name} -->)`);
  const before = readFileSync(page, "utf8");
  writeFileSync(
    page,
    before.replace(marked, (_, begin: string, end: string) => `${begin}${text}${end}`),
  );
}

/** What the stage of the examples deploys. */
export function exampleResources() {
  const given = { stage: "production", region: "us-east-1", settings: settingsOf("example") };
  const code = { location: (name: string) => ({ S3Key: name }), sha256: (name: string) => name };
  return renderTemplate(readDeployment(given), code).Resources;
}
