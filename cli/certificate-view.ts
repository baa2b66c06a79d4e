import { certificateStatement } from "../events/certificate.ts";
import { headedTable, type Line, table } from "./table.ts";
import { shortName } from "./text.ts";

type Predicate = ReturnType<typeof certificateStatement.parse>["predicate"];
type Rotation = Extract<Predicate, { kind: "rotation" }>;
type WithoutDeath = Extract<Predicate, { kind: "rotationWithoutDeath" }>;
type Incident = Extract<Predicate, { kind: "incident" }>;

/** A certificate for people: what was done, on which evidence, proven how, and what it does not say. */
export function certificateLines(text: string): readonly Line[] {
  const { payload } = JSON.parse(text) as { readonly payload: string };
  const { predicate } = certificateStatement.parse(
    JSON.parse(Buffer.from(payload, "base64").toString("utf8")),
  );
  return [
    ...linesOf(predicate),
    ...orderLines(predicate),
    ...predicate.notChecked.map((each) => `not checked: ${each}`),
  ];
}

function linesOf(said: Predicate): readonly Line[] {
  switch (said.kind) {
    case "rotation":
      return rotationLines(said);
    case "rotationWithoutDeath":
      return endingLines(said);
    case "incident":
      return incidentLines(said);
  }
}

const howEnded: Readonly<Record<WithoutDeath["ending"], string>> = {
  rolledBack: "rolled back",
  needsHuman: "left for a person",
  retained: "done, and the retiring key is kept by the policy",
};

function endingLines(said: WithoutDeath): readonly Line[] {
  const { run, secret, ending, keys, owed, reason, endedAt, aborted, gate, copies, steps } = said;
  return [
    `${secret.name}: ${run.rotationId} ${howEnded[ending]} (${run.trigger})`,
    `ended ${short(endedAt)}: ${reason}`,
    ...(aborted === undefined ? [] : [`aborted by ${shortName(aborted.by)}: ${aborted.reason}`]),
    headedTable(
      ["STEP", "AT"],
      steps.map(({ step, at }) => [step, short(at)]),
    ),
    headedTable(
      ["KEY", "ID", "LEFT AS"],
      keys.map(({ role, keyId, name, state }) => [role, keyId ?? name, state]),
    ),
    ...(owed.length === 0
      ? ["nothing is owed"]
      : [`owed: ${owed.map(({ kind, keyId }) => `${kind} of ${keyId}`).join(", ")}`]),
    ...(gate?.inTheWay ?? []).map((why) => `in the way: ${why}`),
    ...copyLines(copies),
  ];
}

function copyLines(copies: WithoutDeath["copies"]): readonly Line[] {
  if (copies.length === 0) return [];
  const rows = copies.map(({ destination, name, holds, seenAt }) => [
    destination,
    name,
    holds,
    short(seenAt),
  ]);
  return [headedTable(["COPY AT", "NAME", "HOLDS", "SEEN"], rows)];
}

function rotationLines(said: Rotation): readonly Line[] {
  const { run, secret, keys, adoption, quietWindow, revoke, death, promotion, incomingProof } = said;
  const rows = adoption?.rows.map(({ consumer, instance, principal, source, claim, receivedAt }) => [
    ...[consumer, instance ?? (principal === undefined ? "-" : shortName(principal))],
    ...[source, claim, short(receivedAt)],
  ]);
  const continued = run.continues === undefined ? "" : `, continuing ${run.continues}`;
  return [
    `${secret.name}: rotated by ${run.rotationId}${continued} (${run.trigger})`,
    table([
      ["retiring key", keys.retiring.keyId ?? "unknown", `revoke accepted ${short(revoke.acceptedAt)}`],
      ["", "", `${howDead(death)}, seen ${short(death.deadAt)}`],
      [
        "incoming key",
        keys.incoming?.keyId ?? "unknown",
        `accepted by the provider ${short(incomingProof?.at)}`,
      ],
      ["", "", `promoted ${short(promotion?.at)}`],
    ]),
    ...(quietWindow === undefined
      ? []
      : [`quiet from ${short(quietWindow.from)} until ${short(quietWindow.until)}`]),
    `adoption is ${adoption?.worth ?? "not recorded"}, which is what its weakest row is worth`,
    ...(rows === undefined || rows.length === 0
      ? []
      : [headedTable(["CONSUMER", "INSTANCE", "SOURCE", "CLAIM", "RECEIVED"], rows)]),
  ];
}

function howDead({ how, refusalsInARow }: Rotation["death"]): string {
  return how === "refused" ? `dead: refused ${refusalsInARow} times in a row` : "dead: gone from the listing";
}

function incidentLines(said: Incident): readonly Line[] {
  const { incident, keys, secrets, clocks, ending } = said;
  const seconds = (ms: number | undefined) => (ms === undefined ? "never" : `${Math.round(ms / 1000)} s`);
  return [
    `${incident.incidentId}: ${endings[ending]} under ${incident.plan} (${incident.planWhy})`,
    `revoke accepted after ${seconds(clocks.detectedToAcceptedMs)}, seen dead after ${seconds(clocks.detectedToDeadMs)}`,
    headedTable(
      ["KEY", "STATE", "HOW", "DEAD"],
      keys.map(({ keyId = "unknown", state, death }) => [
        keyId,
        state,
        death?.how ?? "-",
        short(death?.deadAt),
      ]),
    ),
    ...(secrets.length === 0
      ? []
      : [
          headedTable(
            ["SECRET", "REPLACEMENT", "NEW KEY"],
            secrets.map(({ name, replacement, incoming }) => [name, replacement, incoming.keyId ?? "-"]),
          ),
        ]),
    ...copyLines(secrets.flatMap(({ copies = [] }) => copies)),
  ];
}

const endings: Readonly<Record<Incident["ending"], string>> = {
  contained: "contained",
  containedByListing: "contained, by the listing only",
  waived: "closed with a waiver",
  falseAlarm: "a false alarm",
};

function orderLines({ orders }: Predicate): readonly Line[] {
  if (orders.length === 0) return [];
  const rows = orders.map(({ action, by, at, claim }) => [short(at), action, shortName(by), claim]);
  return [headedTable(["AT", "ORDER", "BY", "CLAIM"], rows)];
}

/** In whole seconds. */
function short(iso: string | undefined): string {
  return iso === undefined ? "-" : iso.replace("T", " ").replace(/\.\d+Z$/, "Z");
}
