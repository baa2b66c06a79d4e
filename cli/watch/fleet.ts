import { campaignsAtWork } from "../../core/campaign/board.ts";
import type { Campaign } from "../../core/campaign/record.ts";
import type { IncidentRecord } from "../../core/incident/record.ts";
import { campaignNews, campaignTable } from "../campaign-view.ts";
import { exitCodes, type Reach } from "../command.ts";
import { readStandings, type SecretStanding } from "../standings.ts";
import { headedTable, type Line } from "../table.ts";
import { plural, until, when } from "../text.ts";
import type { Look, Watched } from "./board.ts";

/** One look reads four items of each secret. */
const everyMs = 5_000;

/** Whatever runs or wants a person. With `untilQuiet` it ends when nothing is at work; else it goes on. */
export function fleetBoard({ untilQuiet }: { readonly untilQuiet: boolean }): Watched {
  return { everyMs, again: "rekey watch", look: (reach) => lookAtAll(reach, untilQuiet) };
}

interface Seen {
  readonly campaigns: readonly Campaign[];
  readonly incidents: readonly IncidentRecord[];
  readonly busy: readonly SecretStanding[];
  readonly wanted: readonly SecretStanding[];
  readonly rest: readonly SecretStanding[];
  readonly nowMs: number;
}

async function lookAtAll(reach: Reach, untilQuiet: boolean): Promise<Look> {
  const [{ secrets }, open, everyCampaign] = await Promise.all([
    readStandings(reach, undefined),
    reach.ledger.incidents.openIncidents(),
    reach.ledger.campaigns.campaigns(),
  ]);
  const { campaigns, incidents } = campaignsAtWork(everyCampaign, open);
  const isBusy = ({ facts }: (typeof secrets)[number]) => facts.record.lease !== undefined;
  const quiet = secrets.filter((each) => !isBusy(each));
  const seen: Seen = {
    campaigns,
    incidents,
    busy: secrets.filter(isBusy),
    wanted: quiet.filter(({ standing }) => standing.wants !== undefined),
    rest: quiet.filter(({ standing }) => standing.wants === undefined),
    nowMs: reach.nowMs(),
  };
  const look = { board: boardOf(seen), news: newsOf(seen) };
  if (!untilQuiet || seen.busy.length > 0 || incidents.length > 0 || campaigns.length > 0) return look;
  return {
    ...look,
    end: {
      json: { type: "quiet", secrets: secrets.length, wanted: seen.wanted.map(({ policy }) => policy.name) },
      lines: look.board,
      ...(seen.wanted.length > 0 && { exitCode: exitCodes.refused }),
    },
  };
}

function boardOf({ campaigns, incidents, busy, wanted, rest, nowMs }: Seen): readonly Line[] {
  const next = Math.min(...rest.flatMap(({ standing }) => standing.nextAtMs ?? []));
  const due = Number.isFinite(next) ? `; the next rotation is due ${until(next, nowMs)}` : "";
  return [
    ...(campaigns.length === 0 ? [] : [campaignTable(campaigns, nowMs), ""]),
    ...(incidents.length === 0
      ? []
      : [
          headedTable(
            ["INCIDENT", "STATUS", "ABOUT", "DEADLINE"],
            incidents.map((record) => [
              record.incidentId,
              record.test ? `${record.status} (test)` : record.status,
              record.secrets.map(({ name }) => name).join(", ") || record.match.text,
              when(record.deadlineAtMs, nowMs),
            ]),
          ),
          "",
        ]),
    ...(busy.length === 0
      ? []
      : [
          headedTable(
            ["AT WORK", "DOES"],
            busy.map(({ policy, standing }) => [policy.name, standing.state.text]),
          ),
          "",
        ]),
    ...(wanted.length === 0
      ? []
      : [
          headedTable(
            ["WANTS A PERSON", "BECAUSE", "ORDER"],
            wanted.map(({ policy, standing }) => [
              policy.name,
              standing.wants?.what ?? "",
              orderOf(policy.name, standing),
            ]),
          ),
          "",
        ]),
    `${plural(rest.length, "secret rests", "secrets rest")}${due}`,
  ];
}

function orderOf(name: string, { wants }: SecretStanding["standing"]): string {
  if (wants?.order === undefined) return "";
  const { words, about = name } = wants.order;
  const options = words.filter((word) => word.startsWith("--"));
  return ["rekey", ...words.filter((word) => !word.startsWith("--")), about, ...options].join(" ");
}

/** Without times, so that a line is printed only for news. */
function newsOf({ campaigns, incidents, busy, wanted }: Seen): string {
  const said = [
    ...campaigns.map(campaignNews),
    ...incidents.map(({ incidentId, status }) => `incident ${incidentId} ${status}`),
    ...busy.map(({ policy, standing }) => `${policy.name}: ${standing.state.text}`),
    ...wanted.map(({ policy, standing }) => `${policy.name} wants a person: ${standing.wants?.what ?? ""}`),
  ];
  return said.length === 0 ? "nothing is at work" : said.join("; ");
}
