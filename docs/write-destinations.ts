/** `npm run docs:destinations`: writes docs/destinations.md. */
import { writeFileSync } from "node:fs";
import { destinationsPage } from "../destinations/page.ts";

writeFileSync(new URL("destinations.md", import.meta.url), destinationsPage());
