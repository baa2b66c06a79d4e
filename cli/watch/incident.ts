import { isSettled } from "../../core/incident/plan.ts";
import type { IncidentRecord } from "../../core/incident/record.ts";
import { isOver } from "../../core/incident/status.ts";
import { exitCodes, type Reach } from "../command.ts";
import { answersOf } from "../incident-view.ts";
import { incidentShown, readIncident } from "../read-incident.ts";
import type { Look, Watched } from "./board.ts";

const everyMs = 2_000;

/** One incident, until it is over: also while nothing works on it any more and a person is wanted. */
export function incidentBoard(incidentId: string): Watched {
  return { everyMs, again: `rekey watch ${incidentId}`, look: (reach) => lookAt(incidentId, reach) };
}

async function lookAt(incidentId: string, reach: Reach): Promise<Look> {
  const view = await readIncident(incidentId, reach);
  const shown = incidentShown(view);
  const { dead, next, you } = answersOf(view);
  const look = {
    board: shown.lines,
    news: `${view.record.status}; dead? ${dead}; rekey ${next}; you: ${you}`,
  };
  if (![view.record, ...view.children].every(({ status }) => isOver(status))) return look;
  const isGood = view.record.status === "falseAlarm" || [view.record, ...view.children].every(hasNoOpenKey);
  return { ...look, end: { ...shown, ...(!isGood && { exitCode: exitCodes.refused }) } };
}

function hasNoOpenKey({ keys }: IncidentRecord): boolean {
  return keys.every(isSettled);
}
