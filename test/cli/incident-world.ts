import type { IncidentRecord } from "../../core/incident/record.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import type { Page } from "../../functions/deps.ts";
import { arnOf, NOON_MS } from "../contract/admin-world.ts";
import { appliedWorld, type CliOptions, rekey } from "./cli-world.ts";

export const minute = 60_000;

/** Two secrets of one provider, and channels that take every page. */
export async function newWorld() {
  const { world, keys } = await appliedWorld({ "billing-key": "", "search-key": "" });
  const pages: Page[] = [];
  const channels = { areDown: false };
  Object.assign(world.deps, {
    escalator: {
      page: async (page: Page) => {
        pages.push(page);
        return channels.areDown ? { delivered: [], failed: ["sns"] } : { delivered: ["sns"], failed: [] };
      },
    },
  });
  const cli = (line: string | readonly string[], options?: CliOptions) => rekey(world, line, options);
  const only = async (): Promise<IncidentRecord> => {
    const [record, other] = await world.ledger.incidents.incidents();
    if (record === undefined || other !== undefined) throw new Error("not exactly one incident");
    return record;
  };
  /** What the machine would have done meanwhile. */
  const becomes = (incidentId: string, changes: Partial<IncidentRecord>) =>
    world.ledger.incidents.changeIncident(incidentId, (now) => ({ ...now, seq: now.seq + 1, ...changes }));
  return { world, keys, pages, channels, cli, only, becomes };
}

/** An incident about the current key of billing-key, as far as `changes` says. */
export async function openIncident(changes: Partial<IncidentRecord> = {}) {
  const told = await newWorld();
  await told.cli("compromise billing-key --public");
  const { incidentId } = await told.only();
  const key = told.keys["billing-key"];
  const record = await told.becomes(incidentId, {
    ...{
      status: "open",
      plan: "contain-first",
      planWhy: "an authenticated person reported it",
      openedAtMs: NOON_MS,
    },
    ...{ takenUpAtMs: NOON_MS, escalateAtMs: NOON_MS + 5 * minute },
    keys: [{ ...keyOf(key?.keyId ?? ""), fingerprint: fingerprintOf(key?.secret.reveal() ?? "") }],
    secrets: [secretOf({ keyId: key?.keyId ?? "" })],
    ...changes,
  });
  return { ...told, incidentId, record, keyId: key?.keyId ?? "" };
}

export function keyOf(keyId: string): IncidentRecord["keys"][number] {
  return {
    ...{ keyId, account: "main", provider: "openai", standing: "current", secretArn: arnOf("billing-key") },
    ...{ state: "waiting", probes: 0, refusals: 0 },
  };
}

export function secretOf(
  changes: Partial<IncidentRecord["secrets"][number]>,
): IncidentRecord["secrets"][number] {
  return {
    ...{
      secretArn: arnOf("billing-key"),
      name: "billing-key",
      environment: "production",
      standing: "current",
    },
    ...{ replacement: "pending", behind: [], moved: [] },
    ...changes,
  };
}
