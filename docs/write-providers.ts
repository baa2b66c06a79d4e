/** `npm run docs:providers`: writes docs/providers.md, and the short form into the README. */
import { writeFileSync } from "node:fs";
import { providersPage, providersSummary } from "../providers/page.ts";
import { writePart } from "./generated-part.ts";

const root = new URL("../", import.meta.url);
writeFileSync(new URL("docs/providers.md", root), providersPage());
writePart(new URL("README.md", root), { name: "providers", text: providersSummary() });
