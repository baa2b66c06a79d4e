/** `npm run docs:security`: writes what each taken-over function could do into docs/security-paper.md. */
import { exampleResources, writePart } from "./generated-part.ts";
import { powersPage } from "./security-powers.ts";

const page = new URL("security-paper.md", import.meta.url);
writePart(page, { name: "powers", text: powersPage(exampleResources()) });
