/** `npm run docs:events`: writes docs/events.md. */
import { writeFileSync } from "node:fs";
import { eventsPage } from "../events/published.ts";

writeFileSync(new URL("events.md", import.meta.url), eventsPage());
