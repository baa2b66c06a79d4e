import type { Handler } from "../step.ts";
import { adminWiring } from "../wiring/admin.ts";
import { answerAdmin } from "./answer.ts";

/** The function URL of the admin commands. AWS lets only signed requests of allowed principals through. */
export const handler: Handler = (event) => answerAdmin(event, adminWiring());
