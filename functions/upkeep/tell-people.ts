import * as z from "zod";
import { together } from "../../consumers/together.ts";
import { observationText } from "../../core/adoption/observation.ts";
import type { Policy } from "../../core/policy.ts";
import { accountNotices } from "../../core/rotation/account-notices.ts";
import {
  digestOf,
  isDigestDue,
  type Message,
  messagesOf,
  type Observed,
} from "../../core/rotation/messages.ts";
import { type Notice, noticesOf } from "../../core/rotation/notices.ts";
import type { Debt } from "../../ledger/entries.ts";
import { noticeView, readFacts, standingOf } from "../../ledger/standing.ts";
import type { Deps, With } from "../deps.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { escalator } from "../wiring/parts/escalator.ts";
import { messagePage } from "./message-page.ts";

const atOnceMax = 16;

/**
 * Tells people what ordinary rotations need from them: each state once when it begins, and once a day the list of what
 * is still open. What no channel took is told again by the next round.
 */
export const tellPeople = step({
  name: "tell-people",
  input: z.object({ time: stampedAt.optional() }),
  run: async ({ time }, deps: With<"escalator">) => {
    const nowMs = time ?? deps.clock.nowMs();
    const notices = await openNotices(nowMs, deps);
    const told = await deps.ledger.told();
    const known = new Set(told.map(({ id }) => id));
    const begun = notices.filter(({ id }) => !known.has(id));
    let failed = 0;
    for (const message of messagesOf(begun)) {
      if (!(await send(message, { atMs: nowMs, deps }))) failed += 1;
      else for (const { id } of begun.filter(isIn(message))) await deps.ledger.putTold({ id, atMs: nowMs });
    }
    const open = new Set(notices.map(({ id }) => id));
    for (const { id } of told) if (id !== digestId && !open.has(id)) await deps.ledger.removeTold(id);
    const digest = await tellDigest(
      { notices, nowMs, lastMs: told.find(({ id }) => id === digestId)?.atMs },
      deps,
    );
    return { outcome: "told", open: notices.length, begun: begun.length, failed, digest };
  },
});

export const handler = onLambda(tellPeople, wiring({ escalator }));

/** A message about many lists some of them and counts the rest: it tells of all. */
function isIn({ secretArns }: Message): (notice: Notice) => boolean {
  return ({ secretArn }) => secretArns.length !== 1 || secretArns[0] === secretArn;
}

async function openNotices(nowMs: number, deps: Deps): Promise<readonly Notice[]> {
  const [policies, debts] = await Promise.all([deps.ledger.policies(), deps.ledger.debts()]);
  const each = await together(policies, {
    atOnceMax,
    work: (policy) => noticesAbout({ policy, debts, nowMs }, deps),
  });
  return [...each.flat(), ...accountNotices(await deps.ledger.stops())];
}

async function noticesAbout(
  {
    policy,
    debts,
    nowMs,
  }: { readonly policy: Policy; readonly debts: readonly Debt[]; readonly nowMs: number },
  deps: Deps,
): Promise<readonly Notice[]> {
  const facts = { ...(await readFacts({ policy, debts }, deps.ledger)), digest: deps.digest, nowMs };
  return noticesOf(noticeView(facts, standingOf(facts).sinceMs));
}

const digestId = "digest";

async function tellDigest(
  { notices, nowMs, lastMs }: { notices: readonly Notice[]; nowMs: number; lastMs: number | undefined },
  deps: With<"escalator">,
): Promise<"sent" | "failed" | "nothing" | "notDue"> {
  if (!isDigestDue({ nowMs, ...(lastMs !== undefined && { lastMs }) })) return "notDue";
  const message = digestOf(notices, await observedNow(deps));
  if (message !== undefined && !(await send(message, { atMs: nowMs, deps }))) return "failed";
  await deps.ledger.putTold({ id: digestId, atMs: nowMs });
  return message === undefined ? "nothing" : "sent";
}

async function observedNow({ ledger }: Pick<Deps, "ledger">): Promise<readonly Observed[]> {
  const policies = (await ledger.policies()).filter(({ mode }) => mode === "observe");
  return together(policies, {
    atOnceMax,
    work: async ({ secretArn, name }): Promise<Observed> => {
      const observation = await ledger.observation(secretArn);
      const isReady = observation?.verdict === "wouldOpen";
      return { secretArn, name, isReady, what: observationText(observation) };
    },
  });
}

async function send(
  message: Message,
  { atMs, deps }: { readonly atMs: number; readonly deps: With<"escalator"> },
): Promise<boolean> {
  const { delivered } = await deps.escalator.page(messagePage(message, atMs));
  return delivered.length > 0;
}
