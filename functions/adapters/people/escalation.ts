import { ProviderThrottled, RotationError } from "../../../core/errors.ts";
import type { Clock } from "../../../core/ports.ts";
import type { Escalator, LogLine, Page, PageOutcome } from "../../deps.ts";

/** One way to reach a person. */
export interface Channel {
  readonly name: string;
  /** Everything, only what is worth waking somebody for, or everything but reaching no person by itself. */
  readonly takes: "everything" | "pages" | "copies";
  /** Sends once. Throws a RotationError: `later` is worth another try, `never` is not. */
  send(page: Page): Promise<void>;
}

const triesMax = 3;
const firstPauseMs = 500;
/** A page that takes longer than this is a failed one: the next channel is better than more patience. */
const channelTimeMaxMs = 12_000;

/**
 * Every channel that wants this page, at once. When none of them could be reached, the others, one by one: a
 * notice that wakes somebody is better than none. A copy on a bus is not counted as having reached anybody.
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
  // A deployment that reaches nobody has at least whoever listens to the copies.
  const people =
    copies.length === channels.length ? copies : channels.filter(({ takes }) => takes !== "copies");

  return {
    async page(page): Promise<PageOutcome> {
      const copied = people === copies ? [] : copies.map((channel) => tryChannel(channel, page));
      const wanted = people.filter(({ takes }) => takes !== "pages" || isLoud(page));
      const sent = await Promise.all(wanted.map((channel) => tryChannel(channel, page)));
      for (const channel of people.filter((each) => !wanted.includes(each))) {
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

/** A test proves that every channel works, so it goes to every channel. */
function isLoud({ severity, test }: Page): boolean {
  return severity === "page" || test;
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

/** Whatever goes wrong in one channel must not keep the page from the others. */
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
