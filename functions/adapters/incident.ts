import type { Deps } from "../deps.ts";
import type { Escalator, IncidentDeps, ReportShelf, Scoper } from "../incident-ports.ts";

/** What an incident's own adapters may build on. */
export type IncidentWorld = Pick<Deps, "ledger" | "store" | "bus" | "clock" | "log"> & Pick<Deps, "provider">;

export function incidentDeps(world: IncidentWorld): IncidentDeps {
  return { escalator: busEscalator(world), scoper: noScoper, reports: ledgerShelf(world) };
}

/** Whoever listens to Rekey's bus is told. */
function busEscalator({ bus }: Pick<IncidentWorld, "bus">): Escalator {
  return {
    async page({ about, ...page }) {
      await bus.publish({ type: "IncidentPage", detail: { ...page, ...about } });
      return { delivered: ["bus"], failed: [] };
    },
  };
}

const noScoper: Scoper = {
  scope: async () => ({
    readers: [],
    keyUse: [],
    newKeys: [],
    siblings: [],
    ended: "complete",
    notChecked: ["nobody looked who read the secret or what the key did: no source is configured"],
  }),
};

function ledgerShelf({ ledger }: Pick<IncidentWorld, "ledger">): ReportShelf {
  return {
    async file(incidentId, report) {
      await ledger.documents.write({ kind: "REPORT", id: incidentId, sort: "latest" }, report);
      return { path: `ledger:REPORT#${incidentId}` };
    },
  };
}
