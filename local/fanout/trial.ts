import { setTimeout as pause } from "node:timers/promises";
import type { IncidentRecord } from "../../ledger/incidents.ts";
import { type Demonstration, secretName } from "../demonstration.ts";
import type { Screen } from "../screen.ts";
import { troubleIn } from "../summary.ts";
import type { FanOutCompany } from "./company.ts";
import { mendAll, type NamedTrouble, type Replacing, type Said, troubled } from "./troubles.ts";

/** The overlap of the policy, and the time that an incident gives its consumers, are shorter. */
const endMaxMs = 240_000;
const pollMs = 250;

/** A replacement of the key while four places are in trouble. */
export interface TroubleSummary {
  readonly outcome: string;
  readonly places: readonly NamedTrouble[];
  /** Whether the key that is replaced was dead before the places were put right. */
  readonly revokedInTrouble: boolean;
  readonly retiringKeyDead: boolean;
}

export interface LeakSummary extends TroubleSummary {
  readonly plan: string;
}

interface Trial {
  readonly company: Demonstration;
  readonly around: FanOutCompany;
  readonly shown: Screen;
}

/** Rotates again, with a place that refuses the write, one that nobody deploys, one of another environment and one changed by hand. */
export async function rotatedInTrouble(trial: Trial): Promise<TroubleSummary> {
  const { company, shown } = trial;
  const { ledger, secretArn } = company;
  const former = new Set((await ledger.rotations(secretArn)).map(({ rotationId }) => rotationId));
  const now = async () =>
    (await ledger.rotations(secretArn)).find(({ rotationId }) => !former.has(rotationId));
  shown.say("once more, with four places in trouble: none of them may be left with a dead key");
  const ended = await inTrouble(trial, {
    begin: () => company.rekey("rotate", secretName, "--reason", "npm start -- fanout: places in trouble"),
    said: async () => (await now())?.gate?.reasons ?? [],
    async settle() {
      await company.rekey(
        "overwrite",
        secretName,
        "ci",
        "--reason",
        "it is the former key, put back by hand",
      );
    },
    end: async () => {
      const rotation = await now();
      return rotation === undefined || rotation.outcome === "running" ? undefined : rotation.outcome;
    },
  });
  return ended;
}

/** The key leaks: its consumers switch first, and the incident says which places hold it up. */
export async function leaked(trial: Trial): Promise<LeakSummary> {
  const { company, shown } = trial;
  const { ledger } = company;
  const incident = async (): Promise<IncidentRecord | undefined> => (await ledger.incidents.incidents())[0];
  const said = async (): Promise<readonly Said[]> =>
    (await incident())?.secrets.flatMap(({ copiesBehind = [] }) =>
      copiesBehind.map(({ why }) => ({ detail: why })),
    ) ?? [];
  shown.say("the key leaks, and the same places are in trouble again");
  const ended = await inTrouble(trial, {
    begin: () =>
      company.rekey(
        "compromise",
        secretName,
        "--plan",
        "switch-first",
        "--reason",
        "npm start -- fanout: a leak",
      ),
    said,
    async settle() {
      await company.rekey(
        "overwrite",
        secretName,
        "ci",
        "--reason",
        "it is the leaked key, put back by hand",
      );
    },
    end: async () => {
      const status = (await incident())?.status;
      return status === "closed" ? "contained" : status === "needsPerson" ? status : undefined;
    },
  });
  return { ...ended, plan: (await incident())?.plan ?? "none" };
}

interface Course {
  begin(): Promise<unknown>;
  said(): Promise<readonly Said[]>;
  /** What a person orders when the places are right again. */
  settle(): Promise<void>;
  /** How it ended, once it has. */
  end(): Promise<string | undefined>;
}

async function inTrouble({ company, around, shown }: Trial, course: Course): Promise<TroubleSummary> {
  const { ledger, secretArn, provider } = company;
  const places = around.places();
  const current = async () => (await ledger.secret(secretArn)).keys.find(({ state }) => state === "current");
  const retiring = (await current())?.keyId;
  const isAlive = () => provider.state().some(({ keyId, isAccepted }) => keyId === retiring && isAccepted);
  const incoming = async () => {
    const key = await current();
    return key?.keyId === retiring ? undefined : key;
  };
  const replacing: Replacing = {
    former: await liveKeyAt(around, "ci"),
    isPromoted: async () => (await incoming()) !== undefined,
    async isUsed(name) {
      const versionId = (await incoming())?.versionId;
      const copies = (await ledger.evidence(secretArn)).filter((item) => item.kind === "copy");
      return copies.some(
        (copy) => copy.versionId === versionId && copy.destination === name && copy.state === "active",
      );
    },
    said: course.said,
  };
  for (const { trouble } of places) if (trouble?.from === "start") trouble.plant(replacing.former);
  await course.begin();
  const named = await troubled(places, replacing);
  for (const { name, kind, trouble, said } of named)
    shown.verdict({
      isGood: said !== undefined,
      text: `${name} (${kind}), ${trouble}: ${said === undefined ? "Rekey says nothing" : saidText(said)}`,
    });
  const revokedInTrouble = !isAlive();
  shown.verdict({
    isGood: !revokedInTrouble,
    text: "the key that is replaced still works: nothing was revoked",
  });
  mendAll(places);
  await course.settle();
  shown.say("the four places are right again");
  const outcome = await ended(company, course);
  const retiringKeyDead = !isAlive();
  shown.verdict({
    isGood: retiringKeyDead,
    text: `${outcome}: the key that was replaced ${retiringKeyDead ? "is dead" : "still works"}`,
  });
  return { outcome, places: named, revokedInTrouble, retiringKeyDead };
}

const saidText = ({ reason, detail }: Said): string =>
  reason === undefined ? detail : `${reason}: ${detail}`;

/** What runs there was given it; nobody else tells the text of a key. */
async function liveKeyAt(around: FanOutCompany, name: string): Promise<string> {
  const place = around.places().find((each) => each.name === name);
  const [key] = (await place?.running()) ?? [];
  if (key === undefined) throw new Error(`nothing runs at ${name}`);
  return key;
}

async function ended({ cloud }: Demonstration, course: Course): Promise<string> {
  for (const untilMs = Date.now() + endMaxMs; Date.now() < untilMs; await pause(pollMs)) {
    const outcome = await course.end();
    if (outcome !== undefined) return outcome;
  }
  throw new Error([`it has not ended after ${endMaxMs / 1000} s`, ...troubleIn(cloud)].join("; "));
}
