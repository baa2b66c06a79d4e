import { RotationError } from "../../../core/errors.ts";
import type { ScopeFindings } from "../../../core/incident/scope-findings.ts";
import type { Clock } from "../../../core/ports.ts";
import { type Channel, escalator } from "../../../functions/adapters/people/escalation.ts";
import type { Deps, Page, Parts, ReportShelf, ScopeQuestion, Scoper } from "../../../functions/deps.ts";
import type { Through } from "../world/surroundings.ts";

/** How far back CloudTrail's event history goes. */
const lookBackMaxMs = 90 * 24 * 3_600_000;

interface Surrounding {
  readonly through: Through;
  readonly clock: Clock;
  readonly log: Deps["log"];
}

/** Whom an incident pages, what it asks and where its reports are filed. */
export class IncidentEdges {
  readonly pages: (Page & { readonly atMs: number })[] = [];
  readonly scopeQuestions: ScopeQuestion[] = [];
  readonly reports: { readonly incidentId: string; readonly json: string; readonly markdown: string }[] = [];
  readonly #nowMs: () => number;
  readonly #effects: string[];

  constructor({ nowMs, effects }: { readonly nowMs: () => number; readonly effects: string[] }) {
    this.#nowMs = nowMs;
    this.#effects = effects;
  }

  depsOf({ through, clock, log }: Surrounding): Pick<Parts, "escalator" | "scoper" | "reports"> {
    const channel = { ...this.#pager, ...through("people", this.#pager, { send: true }) };
    return {
      escalator: escalator({ channels: [channel], clock, log }),
      scoper: scoperOn(through("scoper", this.#history, { look: false })),
      reports: through("reports", this.#shelf, { file: true }),
    };
  }

  /** The only way to reach a person: who pages through it, and again, is the real escalator. */
  readonly #pager: Channel = {
    name: "fake",
    takes: "everything",
    send: async (page) => {
      this.pages.push({ ...structuredClone(page), atMs: this.#nowMs() });
      this.#effects.push(`${page.severity}: ${page.reason}`);
    },
  };

  readonly #history: History = {
    look: async (question) => {
      this.scopeQuestions.push(structuredClone(question));
    },
  };

  readonly #shelf: ReportShelf = {
    file: async (incidentId, report) => {
      this.reports.push({ incidentId, ...report });
      return { path: `reports/${incidentId}.md` };
    },
  };
}

/** Where the reads of a secret are looked up; nobody has read one. */
interface History {
  look(question: ScopeQuestion): Promise<void>;
}

/** As the real one: a history that cannot be read costs the readers, and is no error. */
function scoperOn(history: History): Scoper {
  return {
    async scope(question) {
      const { sinceMs, untilMs } = question;
      const keyUse = question.keys.flatMap(({ keyId, deadAtMs = untilMs }) =>
        keyId === undefined ? [] : [{ keyId, fromMs: sinceMs, toMs: deadAtMs, stillUsedBy: [] }],
      );
      const found = { readers: [], keyUse, newKeys: [], siblings: [] };
      return { ...found, ...(await endOf(history, question)) };
    },
  };
}

async function endOf(
  history: History,
  question: ScopeQuestion,
): Promise<Pick<ScopeFindings, "ended" | "notChecked" | "reachedBackToMs">> {
  const notChecked = ["what a key did at its provider: a fake looked"];
  try {
    await history.look(question);
    const reachedBackToMs = Math.max(question.sinceMs, question.untilMs - lookBackMaxMs);
    return { ended: "complete", reachedBackToMs, notChecked };
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    return { ended: "timeBoxed", notChecked: [...notChecked, `who read the secret: ${error.name}`] };
  }
}
