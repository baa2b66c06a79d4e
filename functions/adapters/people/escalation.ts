import { ProviderThrottled, RotationError } from "../../../core/errors.ts";
import type { Clock } from "../../../core/ports.ts";
import type { Escalator, LogLine, Page, PageOutcome } from "../../deps.ts";

/** One way to reach people. */
export interface Channel {
  readonly name: string;
  /** Everything; only what is worth paging somebody; or a copy of everything, which reaches no person by itself. */
  readonly takes: "everything" | "pages" | "copies";
  /** Sends once. Throws a RotationError: with `later` it is worth another try, with `never` it is not. */
  send(page: Page): Promise<void>;
}

const triesMax = 3;
const firstPauseMs = 500;
/** A page that takes longer counts as failed: trying the next channel is better than waiting. */
const channelTimeMaxMs = 12_000;

/**
 * Sends to every channel that takes this page, at once. If none could be reached, the other channels are
 * tried one by one: a notice through the wrong channel is better than none. A copy on a bus does not count as
 * reaching somebody.
 */
export function escalator({
  channels,
  clock,
  log,
}: {
  readonly channels: readonly Channel[];
  readonly clock: Clock;
  log(line: LogLine): void;
}): Escalator {
  const tryChannel = async (channel: Channel, page: Page) => {
    const delivered = await sendPatiently(channel, { page, clock, log });
    return { name: channel.name, delivered };
  };
  const copies = channels.filter(({ takes }) => takes === "copies");
  // If a deployment has no channel that reaches people, the copies are all there is.
  const people =
    copies.length === channels.length ? copies : channels.filter(({ takes }) => takes !== "copies");

  return {
    async page(page): Promise<PageOutcome> {
      const copied = people === copies ? [] : copies.map((channel) => tryChannel(channel, page));
      const heard = people.filter(({ name }) => !page.quiet?.includes(name));
      // Where the only channel is quiet, the page goes there all the same: nobody else would get it.
      const open = heard.length > 0 ? heard : people;
      const wanted = open.filter(({ takes }) => takes !== "pages" || isLoud(page));
      const sent = await Promise.all(wanted.map((channel) => tryChannel(channel, page)));
      for (const channel of open.filter((each) => !wanted.includes(each))) {
        if (sent.some(({ delivered }) => delivered)) break;
        sent.push(await tryChannel(channel, page));
      }
      await Promise.all(copied);
      return {
        delivered: sent.filter(({ delivered }) => delivered).map(({ name }) => name),
        failed: sent.filter(({ delivered }) => !delivered).map(({ name }) => name),
      };
    },
  };
}

/**
 * A test has to show that every channel works, so it is sent to all of them. A test alert about a real key may
 * hide a leak, and a live key in a file may be one: the people on call get both, as warnings.
 */
function isLoud({ severity, test, reason }: Page): boolean {
  return severity === "page" || test || reason === "testOfRealKey" || reason === "liveKeyFound";
}

async function sendPatiently(
  channel: Channel,
  { page, clock, log }: { readonly page: Page; readonly clock: Clock; log(line: LogLine): void },
): Promise<boolean> {
  const untilMs = clock.nowMs() + channelTimeMaxMs;
  for (let attempt = 1; attempt <= triesMax; attempt += 1) {
    const failure = await failureOf(channel, page);
    if (failure === undefined) return true;
    log({
      step: "escalate",
      incidentId: page.incidentId,
      outcome: "channelFailed",
      channel: channel.name,
      ...{ error: failure.name, attempt },
    });
    const pauseMs = failure.pauseMs ?? firstPauseMs * 4 ** (attempt - 1);
    if (failure.retry === "never" || attempt === triesMax || clock.nowMs() + pauseMs > untilMs) break;
    await clock.pause(pauseMs);
  }
  return false;
}

interface Failure {
  readonly name: string;
  readonly retry: "later" | "never";
  readonly pauseMs?: number | undefined;
}

/** An error in one channel must not keep the page from the others. */
async function failureOf(channel: Channel, page: Page): Promise<Failure | undefined> {
  try {
    await channel.send(page);
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) return { name: "unknown", retry: "later" };
    if (error instanceof ProviderThrottled) {
      return { name: error.name, retry: "later", pauseMs: error.retryAfterMs };
    }
    const isFinal = error instanceof RotationError && error.retry === "never";
    return { name: error.name, retry: isFinal ? "never" : "later" };
  }
}
