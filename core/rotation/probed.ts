import { afterProbe, type CountedProbe } from "./death.ts";
import { assertPromoted, bump, type SecretRecord, type Ticket } from "./secret-record.ts";

/** Apart from the other transitions of a retiring key, which functions load that never probe one. */
export function markProbed(record: SecretRecord, ticket: Ticket, probe: CountedProbe): SecretRecord {
  const { death, ...run } = assertPromoted(record, ticket);
  const watch = afterProbe(death, probe);
  if (watch === death) return record;
  return bump({ ...record, run: watch === undefined ? run : { ...run, death: watch } });
}
