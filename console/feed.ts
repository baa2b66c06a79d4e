import { together } from "../consumers/together.ts";
import type { Campaign } from "../core/campaign/record.ts";
import { grouped } from "../core/grouped.ts";
import type { Policy } from "../core/policy.ts";
import { observationOf, type SecretFacts } from "../ledger/standing.ts";
import type { FleetChange, FleetRow } from "./shown.ts";
import type { Sources } from "./sources.ts";
import { campaignRow } from "./views/campaign.ts";
import { fleetRow, incidentRow } from "./views/fleet.ts";

const atOnceMax = 16;
/**
 * Secrets read in one round, besides those in a run: a fleet of a thousand is read through in half a minute, and costs
 * fewer reads than a busy function.
 */
const readsPerRound = 60;
/** The first round is not held back, so that the page is whole at once. */
const firstReadsMax = 2_000;
const incidentsMax = 200;
const campaignsMax = 100;
const noUpkeep: Upkeep = { triage: [] };
/** The policies change only at an apply. */
const policiesEveryRounds = 8;

export type Fleet = Omit<FleetChange, "removed">;

type Upkeep = Pick<SecretFacts, "triage" | "scheduleFault">;
type Known = Omit<SecretFacts, "policy" | "debts" | "digest" | "nowMs">;

/** Reads the fleet, a part in each round. */
export function fleetReader(sources: Sources) {
  const { ledger, digest } = sources;
  const known = new Map<string, Known>();
  let policies: readonly Policy[] = [];
  let rounds = 0;
  let place = 0;

  async function look(policy: Policy): Promise<void> {
    const { secretArn } = policy;
    const before = known.get(secretArn);
    const [observation, record, upkeep] = await Promise.all([
      observationOf(policy, ledger),
      ledger.secret(secretArn),
      before === undefined ? noUpkeep : upkeepOf(secretArn, ledger),
    ]);
    const seen = { record, ...upkeep, ...(observation !== undefined && { observation }) };
    const isSame = before?.record.seq === record.seq && before.record.lease?.runId === record.lease?.runId;
    if (before !== undefined && isSame && record.lease === undefined) {
      known.set(secretArn, { ...seen, rotations: before.rotations, keys: before.keys });
      return;
    }
    const [rotations, keys] = await Promise.all([ledger.rotations(secretArn), ledger.keys(secretArn)]);
    known.set(secretArn, { ...seen, rotations, keys });
  }

  /** Those in a run, those that an open incident names, and the next of the others. */
  function turn(urgent: ReadonlySet<string>): readonly Policy[] {
    if (rounds === 0) return policies.slice(0, firstReadsMax);
    const first = policies.filter(
      ({ secretArn }) => urgent.has(secretArn) || known.get(secretArn)?.record.lease !== undefined,
    );
    const others = [...policies, ...policies].slice(place, place + Math.min(readsPerRound, policies.length));
    place = policies.length === 0 ? 0 : (place + others.length) % policies.length;
    return [...new Set([...first.slice(0, readsPerRound), ...others])];
  }

  return {
    async round(): Promise<Fleet> {
      if (rounds % policiesEveryRounds === 0) policies = await ledger.policies();
      const [debts, incidents, campaigns, stops] = await Promise.all([
        ledger.debts(),
        ledger.incidents.incidents(),
        ledger.campaigns.campaigns(),
        ledger.stops(),
      ]);
      const rows = incidents.map(incidentRow);
      const open = incidents.filter(({ incidentId }) =>
        rows.some((row) => row.incidentId === incidentId && !row.isOver),
      );
      const urgent = new Set(open.flatMap(({ secrets }) => secrets.map(({ secretArn }) => secretArn)));
      await together(turn(urgent), { atOnceMax, work: look });
      rounds += 1;
      const nowMs = sources.nowMs();
      const owed = grouped(debts, ({ secretArn }) => secretArn);
      const read = policies.flatMap((policy): readonly FleetRow[] => {
        const facts = known.get(policy.secretArn);
        if (facts === undefined) return [];
        return [fleetRow({ ...facts, policy, digest, nowMs, debts: owed.get(policy.secretArn) ?? [] })];
      });
      return {
        ...{ nowMs, rows: read, read: read.length, total: policies.length },
        incidents: rows.sort((a, b) => b.detectedAtMs - a.detectedAtMs).slice(0, incidentsMax),
        campaigns: newestCampaigns(campaigns),
        stops: stops.map(({ scope, by, reason }) => ({ scope, by, reason })),
      };
    },
  };
}

function newestCampaigns(campaigns: readonly Campaign[]): FleetChange["campaigns"] {
  const newest = campaigns.toSorted((a, b) => b.openedAtMs - a.openedAtMs);
  return newest.slice(0, campaignsMax).map(campaignRow);
}

/** What a viewer has to be told who knows `before`; undefined if nothing changed. */
export function changeSince(before: Fleet | undefined, now: Fleet): FleetChange | undefined {
  const known = new Map(before?.rows.map((row) => [row.secretArn, JSON.stringify(row)]));
  const rows = now.rows.filter((row) => known.get(row.secretArn) !== JSON.stringify(row));
  const left = new Set(now.rows.map(({ secretArn }) => secretArn));
  const removed = [...known.keys()].filter((secretArn) => !left.has(secretArn));
  const rest = ({ incidents, campaigns, stops, read, total }: Fleet) =>
    JSON.stringify([incidents, campaigns, stops, read, total]);
  const isSame = rows.length === 0 && removed.length === 0;
  if (before !== undefined && isSame && rest(before) === rest(now)) return undefined;
  return { ...now, rows, removed };
}

/** What the sweep and the access records said: not asked in the first round, which the page waits for. */
async function upkeepOf(secretArn: string, ledger: Sources["ledger"]): Promise<Upkeep> {
  const [triage, schedule] = await Promise.all([ledger.triage(secretArn), ledger.scheduleSeen(secretArn)]);
  return { triage, ...(schedule?.fault !== undefined && { scheduleFault: schedule.fault }) };
}
