import type { Command } from "commander";
import type { AuditEntry } from "../../audit/entry.ts";
import { together } from "../../consumers/together.ts";
import { parseDuration } from "../../core/duration.ts";
import { utcText } from "../../core/utc.ts";
import { chainsOf, isWorthALine } from "../audit-chains.ts";
import {
  csvOf,
  type ExportFormat,
  exportFormats,
  jsonLines,
  ocsfLines,
  type ShownChain,
} from "../audit-export.ts";
import { type Cli, CliFailure, exitCodes, type Perform, type Shown } from "../command.ts";
import { entriesMax, shownChain } from "../shown-chain.ts";
import { headedTable, type Line } from "../table.ts";
import { shortName } from "../text.ts";

const atOnceMax = 8;

interface Options {
  readonly since?: string;
  readonly until?: string;
  readonly actor?: string;
  readonly format?: string;
}

/** `show` for the eye and `export` for programs: the same entries, with heads and checkpoints. */
export function auditEntries(audit: Command, perform: Perform): void {
  for (const [name, format, does] of [
    ["show", "table", "the entries of the log, oldest first, and how each chain ends"],
    ["export", "jsonl", "the same for a program, a spreadsheet or a SIEM"],
  ] as const) {
    audit
      .command(name)
      .description(does)
      .argument("[secret]", "name, also of one that was taken out, or ARN; without one, every log")
      .option("--since <time>", 'from then on: a date and time like 2026-11-22T03:00Z, or "7d" ago')
      .option("--until <time>", "until then, not included")
      .option("--actor <text>", "only what this person or run did: a part of the principal or the id")
      .option("--format <format>", `${exportFormats.join(", ")}; ${format} without it`)
      .action((named: string | undefined, options: Options) =>
        perform((cli) => show(cli, { named, ...options, format: formatOf(options.format ?? format) })),
      );
  }
}

function formatOf(given: string): ExportFormat {
  const format = exportFormats.find((each) => each === given);
  if (format !== undefined) return format;
  throw new CliFailure(`no format is called ${JSON.stringify(given.slice(0, 40))}`, {
    ...{ hint: `it is one of ${exportFormats.join(", ")}`, exitCode: exitCodes.usage },
  });
}

interface Asked extends Options {
  readonly named: string | undefined;
  readonly format: ExportFormat;
}

async function show(cli: Cli, asked: Asked): Promise<Shown> {
  const reach = await cli.reach();
  const isWanted = filterOf(asked, reach.nowMs());
  const chains = await together(await chainsOf(asked.named, { ledger: reach.ledger, anchored: [] }), {
    atOnceMax,
    work: (chain) => shownChain(chain, isWanted, reach),
  });
  const count = chains.reduce((sum, { entries }) => sum + entries.length, 0);
  if (count > entriesMax) {
    throw new CliFailure(`${count} entries are more than ${entriesMax}`, {
      hint: "ask for less with --since and --until",
      exitCode: exitCodes.usage,
    });
  }
  const broken = chains.some(({ proof }) => !proof.verified);
  return {
    json: { type: "auditEntries", entries: count, verified: !broken, chains },
    isFile: asked.format !== "table",
    lines: linesOf(chains, asked.format),
    ...(broken && { exitCode: exitCodes.refused }),
  };
}

function filterOf({ since, until, actor }: Options, nowMs: number): (entry: AuditEntry) => boolean {
  const fromMs = timeOf(since, nowMs) ?? Number.NEGATIVE_INFINITY;
  const toMs = timeOf(until, nowMs) ?? Number.POSITIVE_INFINITY;
  return (entry) =>
    entry.atMs >= fromMs && entry.atMs < toMs && (actor === undefined || entry.actor.includes(actor));
}

function timeOf(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  const agoMs = parseDuration(text);
  if (agoMs !== undefined) return nowMs - agoMs;
  const ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new CliFailure(`${JSON.stringify(text.slice(0, 40))} is no time`, {
    ...{ hint: "write 2026-11-22, 2026-11-22T03:00Z, or 7d for seven days ago", exitCode: exitCodes.usage },
  });
}

function linesOf(chains: readonly ShownChain[], format: ExportFormat): readonly Line[] {
  switch (format) {
    case "table":
      return tables(chains);
    case "jsonl":
      return jsonLines(chains);
    case "csv":
      return csvOf(chains);
    case "ocsf":
      return ocsfLines(chains);
  }
}

function tables(chains: readonly ShownChain[]): readonly Line[] {
  const rows = chains
    .flatMap(({ name, entries }) => entries.map((entry) => ({ name, entry })))
    .sort((one, other) => one.entry.atMs - other.entry.atMs)
    .map(({ name, entry: { atMs, actor, action, detail } }) => [
      ...[utcText(atMs), name, action, shortName(actor)],
      Object.entries(detail)
        .map(([key, value]) => `${key}: ${value}`)
        .join("; "),
    ]);
  const shown = chains.filter(({ id, proof }) => isWorthALine(id, proof));
  const heads = shown.map(({ name, proof }) => [
    ...[name, String(proof.entries), proof.verified ? "verified" : `BROKEN: ${proof.why}`],
    ...[proof.verified ? proof.headHash.slice(0, 16) : "-"],
    proof.checkpoint === undefined ? "-" : `${proof.checkpoint.seq} of ${utcText(proof.checkpoint.atMs)}`,
  ]);
  return [
    rows.length === 0 ? "no entry fits" : headedTable(["AT", "LOG", "ACTION", "BY", "DETAIL"], rows),
    headedTable(["LOG", "ENTRIES", "CHAIN", "HEAD", "CHECKPOINT"], heads),
  ];
}
