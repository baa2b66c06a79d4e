/** `npm run docs:providers`: writes docs/providers.md, and the short form into the README. */
import { readFileSync, writeFileSync } from "node:fs";
import { providersPage, providersSummary } from "../providers/page.ts";

const root = new URL("../", import.meta.url);
const readme = new URL("README.md", root);
const marked = /(<!-- providers -->\n)[\s\S]*?(\n<!-- end of providers -->)/;

writeFileSync(new URL("docs/providers.md", root), providersPage());
const text = readFileSync(readme, "utf8");
writeFileSync(
  readme,
  text.replace(marked, (_, before: string, after: string) => `${before}${providersSummary()}${after}`),
);
