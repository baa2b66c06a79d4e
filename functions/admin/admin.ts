import type { Handler } from "../step.ts";
import { adminWiring } from "../wiring/admin.ts";
import { answerAdmin } from "./answer.ts";

/** Behind a function URL that only signed requests of allowed principals reach: what people do, goes through here. */
export const handler: Handler = (event) => answerAdmin(event, adminWiring());
