import { peopleEscalator } from "./adapters/people.ts";
import { incidentSettings, type Part } from "./wiring.ts";

/** Every channel that reaches a person. */
export const peoplePart: Part = (base) => ({ escalator: peopleEscalator(base, incidentSettings()) });
