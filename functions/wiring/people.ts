import { peopleEscalator } from "../adapters/people/people.ts";
import { incidentSettings, type Part } from "./base.ts";

/** Every channel that reaches a person. */
export const peoplePart: Part = (base) => ({ escalator: peopleEscalator(base, incidentSettings()) });
