import { together } from "../../consumers/together.ts";
import type { SecretArn } from "../../core/ports.ts";
import { utcText } from "../../core/utc.ts";
import type { RotationRecord } from "../../ledger/entries.ts";
import type { IncidentRecord } from "../../ledger/incidents.ts";
import type { Cli, Reach, Register, Shown } from "../command.ts";
import { findSecret } from "../find-secret.ts";
import { headedTable } from "../table.ts";
import { shortName } from "../text.ts";

const atOnceMax = 8;

export const history: Register = (program, perform) => {
  program
    .command("history")
    .argument("[secret]", "name in rekey.yml, or ARN; without it, every secret")
    .option("--last <n>", "so many of the newest; 50 without it")
    .action((named: string | undefined, { last }: { readonly last?: string }) =>
      perform((cli) => show(cli, { named, last: lastOf(last) })),
    );
};

const lastDefault = 50;
const lastMax = 10_000;

function lastOf(given: string | undefined): number {
  const last = Number(given ?? lastDefault);
  return Number.isInteger(last) && last > 0 ? Math.min(last, lastMax) : lastDefault;
}

/** One thing that happened to a secret, from its beginning to its end. */
interface Happening {
  readonly kind: "rotation" | "incident" | "changedOutside" | "policy";
  readonly secret: string;
  readonly atMs: number;
  readonly endedAtMs?: number;
  readonly id: string;
  readonly why: string;
  readonly by: string;
  readonly result: string;
  readonly certificate?: string;
}

interface Secret {
  readonly name: string;
  readonly secretArn: SecretArn;
}

async function show(cli: Cli, asked: { named: string | undefined; last: number }): Promise<Shown> {
  const reach = await cli.reach();
  const { named, last } = asked;
  const secrets = named === undefined ? await everySecret(reach) : [await findSecret(named, reach.ledger)];
  const own = await together(secrets, { atOnceMax, work: (secret) => happeningsOf(secret, reach) });
  const incidents = (await reach.ledger.incidents.incidents()).filter(
    (incident) =>
      named === undefined || incident.secrets.some((each) => each.secretArn === secrets[0]?.secretArn),
  );
  const all = [...own.flat(), ...incidents.map(ofIncident)].sort((one, other) => one.atMs - other.atMs);
  const shown = all.slice(-last);
  const rows = shown.map(({ atMs, secret, kind, id, why, by, result, certificate }) => [
    ...[utcText(atMs), secret, kind, id, why, by, result],
    certificate === undefined ? "-" : `rekey prove ${id}`,
  ]);
  const header = ["WHEN", "SECRET", "WHAT", "ID", "WHY", "BY", "RESULT", "CERTIFICATE"];
  const left = all.length - shown.length;
  return {
    json: { type: "history", happenings: shown, left },
    lines: [
      rows.length === 0 ? "nothing has happened yet" : headedTable(header, rows),
      ...(left > 0 ? [`${left} older ones are not shown: --last ${all.length}`] : []),
    ],
  };
}

async function everySecret({ ledger }: Pick<Reach, "ledger">): Promise<readonly Secret[]> {
  const policies = await ledger.policies();
  const known = new Set(policies.map(({ secretArn }) => secretArn));
  return [...policies, ...(await ledger.formerSecrets()).filter(({ secretArn }) => !known.has(secretArn))];
}

/** The log says who asked for a run, who changed a policy, and what somebody changed outside Rekey. */
async function happeningsOf(
  { name, secretArn }: Secret,
  { ledger, audit }: Pick<Reach, "ledger" | "audit">,
): Promise<readonly Happening[]> {
  const requestedBy = new Map<string, string>();
  const logged: Happening[] = [];
  for await (const { action, actor, atMs, detail, id } of audit.entries(secretArn)) {
    if (action === "RotationRequested") requestedBy.set(String(detail["rotationId"]), actor);
    const happening = { secret: name, atMs, id: id.split("/")[0] ?? id };
    if (action === "PolicyApplied" || action === "PolicyRemoved") {
      const why = String(detail["changed"] ?? "").trim() || "-";
      const result = action === "PolicyApplied" ? "applied" : "removed";
      logged.push({ ...happening, kind: "policy", why, by: shortName(actor), result });
    }
    if (action === "RotationRefused") {
      // It never held the secret, so nothing but the log knows of it.
      const [why, by] = ["-", requestedBy.get(happening.id) ?? "-"];
      logged.push({
        ...happening,
        kind: "rotation",
        why,
        by: shortName(by),
        result: `refused: ${detail["reason"]}`,
      });
    }
    if (action === "ChangedOutside") {
      const why = String(detail["reason"] ?? "");
      logged.push({ ...happening, kind: "changedOutside", why, by: "not by Rekey", result: "frozen" });
    }
  }
  const rotations = (await ledger.rotations(secretArn)).filter(({ trigger }) => trigger !== "incident");
  return [
    ...logged,
    ...rotations.map((run) => ofRotation({ run, name, by: requestedBy.get(run.rotationId) })),
  ];
}

function ofRotation(known: {
  readonly run: RotationRecord;
  readonly name: string;
  readonly by: string | undefined;
}): Happening {
  const { run, name, by } = known;
  const { rotationId: id, openedAtMs: atMs, closedAtMs, trigger: why, outcome, reason, certificate } = run;
  const result = reason === undefined || outcome === "rotated" ? outcome : `${outcome}: ${reason}`;
  return {
    ...{ kind: "rotation", secret: name, id, atMs, why, result },
    by: by === undefined ? trigger(why) : shortName(by),
    ...(closedAtMs !== undefined && { endedAtMs: closedAtMs }),
    ...(certificate && { certificate: certificate.path }),
  };
}

/** Whoever starts a run without a person's order says so in its trigger. */
function trigger(why: string): string {
  return why.startsWith("manual") ? "unknown" : why;
}

function ofIncident(incident: IncidentRecord): Happening {
  const {
    incidentId: id,
    receivedAtMs: atMs,
    closedAtMs,
    alerts,
    planWhy,
    plan,
    status,
    certificate,
  } = incident;
  const secret = incident.secrets.map(({ name }) => name).join(", ");
  return {
    ...{ kind: "incident", secret: secret === "" ? "-" : secret, id, atMs, result: status },
    why: `${plan}: ${planWhy}`,
    by: shortName(alerts[0]?.principal ?? "unknown"),
    ...(closedAtMs !== undefined && { endedAtMs: closedAtMs }),
    ...(certificate && { certificate: certificate.path }),
  };
}
