import { answerAdmin } from "./admin/answer.ts";
import { adminWiring } from "./admin/wiring.ts";
import type { Handler } from "./step.ts";

/** Behind a function URL that only signed requests of allowed principals reach: what people do, goes through here. */
export const handler: Handler = (event) => answerAdmin(event, adminWiring());
