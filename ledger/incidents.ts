import { InputInvalid } from "../core/errors.ts";
import { asItsIncidentsAre } from "../core/incident/checklist.ts";
import { withinLimits } from "../core/incident/limits.ts";
import type { IncidentRecord } from "../core/incident/record.ts";
import { isOver } from "../core/incident/status.ts";
import type { TableKey } from "../core/ports.ts";
import type { Documents } from "./documents.ts";

export type * from "../core/incident/record.ts";

/** The incidents of a ledger, used as `ledger.incidents`. */
export function incidentsIn(documents: Documents) {
  const stored = (incidentId: string) => documents.read<IncidentRecord>(incidentKey(incidentId));
  const all = () => documents.all<IncidentRecord>({ kind: "INCIDENT", id: "all" });

  async function incidents(): Promise<readonly IncidentRecord[]> {
    const every = await all();
    return every.map((record) => (record.checklist.length === 0 ? record : asItsIncidentsAre(record, every)));
  }

  return {
    /** Every incident that is not over: reported, open, contained or waiting for a person. */
    async openIncidents(): Promise<readonly IncidentRecord[]> {
      return (await incidents()).filter(({ status }) => !isOver(status));
    },

    incidents,

    async incident(incidentId: string): Promise<IncidentRecord | undefined> {
      const record = await stored(incidentId);
      if (record === undefined || record.checklist.length === 0) return record;
      return asItsIncidentsAre(record, await all());
    },

    /** Applies a pure transition to an existing incident. If it returns its argument, nothing is written. */
    changeIncident(
      incidentId: string,
      change: (record: IncidentRecord) => IncidentRecord,
    ): Promise<IncidentRecord> {
      return documents.change<IncidentRecord>(incidentKey(incidentId), (stored) => {
        if (stored === undefined) throw new InputInvalid(`there is no incident ${incidentId}`);
        const next = change(stored);
        return next === stored ? stored : withinLimits(next);
      });
    },

    /** Writes the incident unless it exists already. Returns what is stored now. */
    reportIncident(record: IncidentRecord): Promise<IncidentRecord> {
      return documents.change<IncidentRecord>(
        incidentKey(record.incidentId),
        (stored) => stored ?? withinLimits(record),
      );
    },

    subject: (subject: string) => documents.read<SubjectEntry>(subjectKey(subject)),

    /** The incident that a subject has now; `change` starts a new one by raising the count. */
    changeSubject(
      subject: string,
      change: (stored: SubjectEntry | undefined) => SubjectEntry,
    ): Promise<SubjectEntry> {
      return documents.change<SubjectEntry>(subjectKey(subject), change);
    },
  };
}

export type Incidents = ReturnType<typeof incidentsIn>;

/** One key (or unmatched name of a key) has one incident at a time. `count` makes the ids differ. */
export interface SubjectEntry {
  readonly subject: string;
  readonly count: number;
  readonly incidentId: string;
}

const incidentKey = (incidentId: string): TableKey => ({ kind: "INCIDENT", id: "all", sort: incidentId });
const subjectKey = (subject: string): TableKey => ({ kind: "INCIDENT", id: "subjects", sort: subject });
