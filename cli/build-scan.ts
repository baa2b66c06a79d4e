import type { Plugin } from "esbuild";
import { issuers } from "../providers/index.ts";
import { tablesOf } from "../scan/eight-groups.ts";
import { sought } from "../scan/find.ts";
import { layout, program } from "../scan/sixteen-program.ts";
import { lateModules } from "../sdk/build-late.ts";
import { commandGroups } from "./command-table.ts";

/** What the bundle of `rekey scan` is made of: the command itself, and of everything else no more than it needs. */
export function scanAlone(): readonly Plugin[] {
  return [
    replaced("shapes", /[\\/]providers[\\/]index\.ts$/, shapesOfKeys()),
    replaced("groups", /[\\/]scan[\\/]eight-groups\.ts$/, tablesOfSought()),
    replaced("program", /[\\/]scan[\\/]sixteen-program\.ts$/, searchProgram()),
    replaced("commands", /[\\/]cli[\\/]command-table\.ts$/, commandNames()),
    // It asks the deployment, and a scan that does so is started from the whole bundle.
    replaced("reports", /[\\/]cli[\\/]scan-report\.ts$/, "export {};"),
    lateModules(),
  ];
}

/** Of an issuer the scan needs a few words; the schemas of the settings and the validator behind them take long to load. */
function shapesOfKeys(): string {
  const shapes = issuers.map(({ kind, title, aliases, keyTexts, unmarked }) => ({
    ...{ kind, title, aliases, keyTexts, unmarked },
  }));
  return `export const issuers = ${JSON.stringify(shapes)};`;
}

/** Which texts share a group is found once, here; it would take a tenth of a small scan's time. */
function tablesOfSought(): string {
  const texts = Object.values(sought).flat();
  const tables = tablesOf(texts.map((text) => Buffer.from(text, "latin1")));
  const plain = tables.map(({ low, high }) => ({ low: [...low], high: [...high] }));
  return `export const tablesOf = () => ${JSON.stringify(plain)};`;
}

function searchProgram(): string {
  const bytes = Buffer.from(program()).toString("base64");
  return `export const layout = ${JSON.stringify(layout)};
    export const program = () => Buffer.from("${bytes}", "base64");`;
}

/** Help names every command, and loads none. */
function commandNames(): string {
  const groups = commandGroups.map(({ heading, commands }) => {
    const rows = commands.map(({ name, does }) => {
      const load = name === "scan" ? 'async () => (await import("./commands/scan.ts")).scan' : "undefined";
      return `{ name: ${JSON.stringify(name)}, does: ${JSON.stringify(does)}, load: ${load} }`;
    });
    return `{ heading: ${JSON.stringify(heading)}, commands: [${rows.join(", ")}] }`;
  });
  return `export const commandGroups = [${groups.join(", ")}];`;
}

function replaced(name: string, filter: RegExp, contents: string): Plugin {
  return {
    name,
    setup(bundler) {
      bundler.onLoad({ filter }, () => ({ contents, loader: "js" }));
    },
  };
}
