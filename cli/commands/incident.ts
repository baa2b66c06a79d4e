import type { Command } from "commander";
import { isOver } from "../../core/incident/status.ts";
import { reasonMax } from "../../functions/admin/inputs.ts";
import { askAdmin } from "../ask-admin.ts";
import type { Cli, Perform, Register, Shown } from "../command.ts";
import { incidentShown, incidentSummary, readIncident } from "../read-incident.ts";
import { headedTable } from "../table.ts";
import { plural, when } from "../text.ts";

export const incident: Register = (program, perform) => {
  const group = program.command("incident");
  group
    .command("list")
    .description("incidents that are not over; reads only the ledger")
    .option("--all", "also those that are over")
    .action(({ all = false }: { all?: boolean }) => perform((cli) => list(cli, { all })));
  group
    .command("show")
    .description("is it dead, who is failing, what must I do; reads only the ledger")
    .argument("<incident>", "id, as the page names it")
    .action((named: string) => perform((cli) => show(cli, named)));
  for (const order of orders) registerOrder(group, { order, perform });
};

// ---- reading ---------------------------------------------------------------------------------------------

async function list(cli: Cli, { all }: { readonly all: boolean }): Promise<Shown> {
  const { ledger, nowMs } = await cli.reach();
  const every = await ledger.incidents.incidents();
  const incidents = all ? every : every.filter(({ status }) => !isOver(status));
  const newest = [...incidents].sort((a, b) => b.receivedAtMs - a.receivedAtMs);
  const rows = newest.map((record) => [
    record.incidentId,
    record.test ? `${record.status} (test)` : record.status,
    record.plan,
    record.secrets.map(({ name }) => name).join(",") || record.match.text,
    when(record.detectedAtMs, nowMs()),
  ]);
  const lines =
    rows.length === 0
      ? ["no incident is open"]
      : [headedTable(["INCIDENT", "STATUS", "PLAN", "ABOUT", "DETECTED"], rows)];
  return { json: { type: "incidents", incidents: newest.map(incidentSummary) }, lines };
}

async function show(cli: Cli, named: string): Promise<Shown> {
  return incidentShown(await readIncident(named, await cli.reach()));
}

// ---- orders ----------------------------------------------------------------------------------------------

interface Order {
  readonly name: string;
  readonly describes: string;
  /** The lines at the end of the output. */
  says(answer: Readonly<Record<string, unknown>>): readonly string[];
  readonly key?: true;
}

const orders: readonly Order[] = [
  {
    name: "note",
    describes: "add a note for whoever reads the incident",
    says: () => ["noted"],
  },
  {
    name: "ack",
    describes: "say that you heard the page: its repeats pause for ten minutes, and the clock goes on",
    says: ({ quietUntilMs }) => [
      `acknowledged; if the key still lives, people are paged again after ${new Date(Number(quietUntilMs)).toISOString()}`,
    ],
  },
  {
    name: "waive",
    describes: "take the responsibility for a key that is not proven dead",
    key: true,
    says: ({ key, left, covers }) => [
      `${String(key)} is waived in your name`,
      String(covers),
      Array.isArray(left) && left.length > 0 ? `still open: ${left.join(", ")}` : "no key is open any more",
    ],
  },
  {
    name: "contain-now",
    describes: "containment waits for nothing any more; consumers that have not moved are cut off",
    says: ({ machine }) => [
      machine === "started" ? "the machine was started again" : "the machine contains it now",
    ],
  },
  {
    name: "switch-first",
    describes: "let consumers move before the key is contained; the deadline stays",
    says: ({ containByMs }) => [`consumers have until ${new Date(Number(containByMs)).toISOString()}`],
  },
  {
    name: "undo-quarantine",
    describes: "enable a disabled key again, and let consumers move first",
    says: ({ restored, containByMs }) => [
      `${listed(restored)} works again`,
      `it is contained at ${new Date(Number(containByMs)).toISOString()} at the latest`,
    ],
  },
  {
    name: "false-alarm",
    describes: "end an incident that was a false alarm; a revoke that has begun goes on",
    says: ({ restored, revoked, covers }) => [
      "the incident ends as a false alarm",
      String(covers),
      ...(Array.isArray(restored) && restored.length > 0 ? [`${listed(restored)} works again`] : []),
      ...(Array.isArray(revoked) && revoked.length > 0
        ? [`the revoke of ${listed(revoked)} had begun, and is not undone`]
        : []),
    ],
  },
  {
    name: "escalate",
    describes: "page everybody now, through every channel",
    says: ({ delivered, failed, over }) => [
      `paged through ${listed(delivered)}`,
      ...(over === true ? ["the incident is over, and the page says so: nothing works on it"] : []),
      ...(Array.isArray(failed) && failed.length > 0 ? [`${listed(failed)} did not deliver it`] : []),
    ],
  },
];

function listed(value: unknown): string {
  return Array.isArray(value) && value.length > 0 ? value.join(", ") : "nothing";
}

function registerOrder(
  group: Command,
  { order, perform }: { readonly order: Order; readonly perform: Perform },
): void {
  const command = group
    .command(order.name)
    .description(order.describes)
    .argument("<incident>", "id, as the page names it")
    .requiredOption(
      "--reason <text>",
      `why, in at most ${reasonMax} characters; it is recorded under your name`,
    );
  if (order.key) command.option("--key <id>", "which key, where several are open");
  command.action((named: string, { reason, key }: { reason: string; key?: string }) =>
    perform(async (cli) => {
      const which = key === undefined ? {} : { key };
      const answer = await askAdmin(cli, {
        command: `incident-${order.name}`,
        incident: named,
        reason,
        ...which,
      });
      return {
        json: { type: `incident-${order.name}`, ...answer },
        lines: [...order.says(answer), `see what happens with: rekey incident show ${named}`],
      };
    }),
  );
}

/** How many incidents an order opened or joined, and where to look. */
export function incidentsOpened(ids: readonly string[]): readonly string[] {
  if (ids.length === 0) return ["no incident was opened"];
  return [`${plural(ids.length, "incident")}: ${ids.join(", ")}`, `follow it with: rekey watch ${ids[0]}`];
}
