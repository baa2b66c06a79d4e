import { nearest } from "../nearest.ts";
import type { CopyPolicy } from "../policy.ts";

/** What an application takes at its places, under its own names. */
export interface Application {
  /** The consumer. */
  readonly name: string;
  readonly to: readonly string[];
  /** What each of its names begins with. */
  readonly prefix?: string | undefined;
  /** Each value is also there without the prefix. */
  readonly originals?: boolean | undefined;
  readonly takeOver?: boolean | undefined;
  readonly takes: readonly Taken[];
}

/** One row of the mapping: the application's name for it, and the secret that it comes from. */
export interface Taken {
  readonly as: string;
  readonly from: string;
  /** The value is this text with the key in the place of `{key}`. */
  readonly text?: string | undefined;
}

/** What one secret's consumer is given. */
export interface FannedOut {
  readonly secret: string;
  readonly consumer: string;
  readonly copies: readonly CopyPolicy[];
}

export interface FanOutMistake {
  readonly application: string;
  readonly message: string;
}

interface Row extends Taken {
  readonly application: Application;
  readonly copy: CopyPolicy;
}

/** The copies that the applications ask for, by secret and consumer, and everything that is wrong with the mapping. */
export function fanOut(
  applications: readonly Application[],
  secrets: readonly string[],
): { readonly given: readonly FannedOut[]; readonly mistakes: readonly FanOutMistake[] } {
  const rows = applications.flatMap(rowsOf);
  return {
    given: given(rows.filter(({ from }) => secrets.includes(from))),
    mistakes: [...missingSources(applications, secrets), ...collisions(rows)],
  };
}

function rowsOf(application: Application): readonly Row[] {
  const { to, prefix = "", originals = false, takeOver, takes } = application;
  const prefixes = originals && prefix !== "" ? [prefix, ""] : [prefix];
  return takes.flatMap((taken) =>
    to.flatMap((destination) =>
      prefixes.map((each) => ({
        ...{ ...taken, application },
        copy: {
          ...{ to: destination, as: `${each}${taken.as}` },
          ...(taken.text !== undefined && { text: taken.text }),
          ...(takeOver !== undefined && { takeOver }),
        },
      })),
    ),
  );
}

function given(rows: readonly Row[]): readonly FannedOut[] {
  const grouped = new Map<string, FannedOut>();
  for (const { from: secret, application, copy } of rows) {
    const id = `${secret}/${application.name}`;
    const { copies } = grouped.get(id) ?? { copies: [] };
    const isKnown = copies.some(({ to, as }) => to === copy.to && as === copy.as);
    const next = isKnown ? copies : [...copies, copy];
    grouped.set(id, { secret, consumer: application.name, copies: next });
  }
  return [...grouped.values()];
}

function missingSources(
  applications: readonly Application[],
  secrets: readonly string[],
): readonly FanOutMistake[] {
  return applications.flatMap(({ name, takes }) =>
    takes
      .filter(({ from }) => !secrets.includes(from))
      .map(({ as, from }) => {
        const meant = nearest(from, secrets);
        const hint =
          meant === undefined ? `it has ${secrets.join(", ") || "none"}` : `did you mean ${meant}?`;
        return {
          application: name,
          message: `${as} comes from ${from}, which this file does not declare: ${hint}`,
        };
      }),
  );
}

/** Two sources, or two texts, under one name at one place: whichever is written last would win. */
function collisions(rows: readonly Row[]): readonly FanOutMistake[] {
  const first = new Map<string, Row>();
  return rows.flatMap((row) => {
    const { copy, from, text, application } = row;
    const id = `${copy.to}/${copy.as}`;
    const known = first.get(id);
    if (known === undefined) first.set(id, row);
    if (known === undefined || (known.from === from && known.text === text)) return [];
    const other = `${sourceText(known)} (${known.application.name})`;
    const message = `${copy.as} at ${copy.to} would be ${sourceText(row)} and also ${other}`;
    return [{ application: application.name, message }];
  });
}

function sourceText({ from, text }: Taken): string {
  return text === undefined ? from : `${JSON.stringify(text)} of ${from}`;
}

/** What is written: the key, or the declared text around it. */
export function copyText({ text }: Pick<CopyPolicy, "text">, key: string): string {
  return text === undefined ? key : text.replace("{key}", () => key);
}
