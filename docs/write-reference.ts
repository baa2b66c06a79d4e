/** `npm run docs:cli`: writes docs/cli-reference.md and docs/errors.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { cliReferencePage, errorsPage } from "./reference-pages.ts";

const source = readFileSync(new URL("../core/errors.ts", import.meta.url), "utf8");
writeFileSync(new URL("cli-reference.md", import.meta.url), await cliReferencePage());
writeFileSync(new URL("errors.md", import.meta.url), errorsPage(source));
