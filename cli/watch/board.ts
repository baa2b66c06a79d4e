import { RotationError } from "../../core/errors.ts";
import { type Cli, CliFailure, exitCodes, type Reach, type Shown } from "../command.ts";
import { type Line, printed } from "../table.ts";
import { oneLine } from "../text.ts";

/** What is seen at one look. */
export interface Look {
  /** For a terminal, where each look is drawn over the one before it. */
  readonly board: readonly Line[];
  /** For a log: printed only if it differs from the line before it. */
  readonly news: string | undefined;
  /** Set when there is nothing more to see. */
  readonly end?: Shown;
}

export interface Watched {
  readonly everyMs: number;
  /** `isDrawn`: false where only the news is printed, so that nothing has to be read for the board alone. */
  look(reach: Reach, seenAs: { readonly isDrawn: boolean }): Promise<Look>;
  /** How to go on, for somebody who watched for as long as one command does. */
  readonly again: string;
}

/** A rotation may wait for its consumers for weeks, and an incident for a person. One command stops after a week. */
const watchMaxMs = 7 * 24 * 60 * 60 * 1_000;

/** A watch is left open: once it has seen something, it waits this long for a ledger that does not answer. */
const silentMaxMs = 10 * 60 * 1_000;

/** Shows what happens, until it is over. */
export async function watchBoard(cli: Cli, { everyMs, look, again }: Watched): Promise<Shown> {
  const reach = await cli.reach();
  const { redraw, err, width } = cli.terminal;
  let told: string | undefined;
  const isDrawn = redraw !== undefined;
  const lookOn = patient({ everyMs, look: (from) => look(from, { isDrawn }) });
  for (let waitedMs = 0; waitedMs < watchMaxMs; waitedMs += everyMs) {
    const { board, news, end } = await lookOn(reach);
    if (redraw !== undefined) redraw(end === undefined ? printed(board, width) : []);
    else if (news !== undefined && news !== told && end === undefined)
      err(`${clockTime(reach)} ${oneLine(news)}`);
    told = news;
    if (end !== undefined) return end;
    await reach.pause(everyMs);
  }
  throw new CliFailure("it is not over after a week", {
    hint: `go on with \`${again}\``,
    exitCode: exitCodes.unreachable,
  });
}

/** Looks again where the ledger does not answer for a while; what was seen before stays on the screen meanwhile. */
function patient({
  everyMs,
  look,
}: {
  readonly everyMs: number;
  look(reach: Reach): Promise<Look>;
}): (reach: Reach) => Promise<Look> {
  let last: Look | undefined;
  let silentMs = 0;
  return async (reach) => {
    try {
      last = await look(reach);
      silentMs = 0;
      return last;
    } catch (error) {
      silentMs += everyMs;
      const isPassing = error instanceof RotationError && error.retry === "later";
      if (last === undefined || !isPassing || silentMs > silentMaxMs) throw error;
      const news = `${error.message}; trying again, and what is shown is older`;
      return { board: [...last.board, news], news };
    }
  };
}

function clockTime({ nowMs }: Reach): string {
  return new Date(nowMs()).toISOString().slice(11, 19);
}
