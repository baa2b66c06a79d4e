/** `npm run docs:costs`: writes what a deployment costs into docs/deploy.md, from the rendered template. */
import { costsPage } from "../aws/costs.ts";
import { exampleResources, writePart } from "./generated-part.ts";

const page = new URL("deploy.md", import.meta.url);
writePart(page, { name: "costs", text: costsPage(exampleResources()) });
