import type { PlacedMessage } from "../events/policy-file/document.ts";
import { joined, type MistakeInFile, type PolicyFiles } from "../events/policy-files.ts";
import { type PolicyText, parsePolicyFile } from "../events/policy-text.ts";
import { declaredKinds } from "../providers/declared-kinds.ts";
import { stores } from "../stores/index.ts";
import { type Cli, CliFailure, exitCodes } from "./command.ts";
import { plural } from "./text.ts";

const filesMax = 200;
/** One request to the admin function holds 2 MB. */
const charactersMax = 1_500_000;
const defaultFile = "rekey.yml";

export interface ReadFiles extends PolicyFiles {
  /** As they are sent to the admin function, which checks them again. */
  readonly files: readonly { readonly path: string; readonly data: unknown }[];
}

/** The policy files that a command line names, checked. Every mistake of every file is printed before it fails. */
export async function readPolicyFiles(cli: Cli, named: readonly string[]): Promise<ReadFiles> {
  const paths = await expanded(cli, named.length === 0 ? [defaultFile] : named);
  const texts = await Promise.all(paths.map(async (path) => ({ path, text: await readText(cli, path) })));
  const read = texts.map((file) => ({
    path: file.path,
    read: parsePolicyFile(file, { kinds: declaredKinds, stores, nowMs: cli.terminal.nowMs() }) as Read,
  }));
  const all = joined(read);
  if ("mistakes" in all) throw mistaken(cli, all.mistakes, paths);
  const files = read.flatMap(({ path, read: file }) =>
    "mistakes" in file ? [] : [{ path, data: file.data }],
  );
  if (JSON.stringify(files).length > charactersMax) {
    throw new CliFailure("these files are too large to be applied together", {
      hint: "apply them one after another: no file removes what another one declares",
      exitCode: exitCodes.usage,
    });
  }
  return { ...all, files };
}

type Read = PolicyText | { readonly mistakes: readonly PlacedMessage[] };

async function expanded({ terminal }: Cli, named: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of named) {
    const below = await terminal.policyFilesIn(path);
    if (below?.length === 0) {
      throw new CliFailure(`${path} has no policy file in it`, {
        hint: "a policy file is called something.yml",
        exitCode: exitCodes.usage,
      });
    }
    found.push(...(below ?? [path]));
  }
  const paths = [...new Set(found)];
  if (paths.length <= filesMax) return paths;
  throw new CliFailure(`${paths.length} policy files are more than ${filesMax}`, {
    exitCode: exitCodes.usage,
  });
}

async function readText({ terminal }: Cli, path: string): Promise<string> {
  try {
    return await terminal.readFile(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new CliFailure(`cannot read ${path} (${code})`, {
      hint: "name policy files or folders, or begin with examples/rekey.yml",
      exitCode: exitCodes.usage,
    });
  }
}

function mistaken(
  { terminal }: Cli,
  mistakes: readonly MistakeInFile[],
  paths: readonly string[],
): CliFailure {
  for (const { path, line, column, message } of mistakes)
    terminal.err(`${path}:${line}:${column}: ${message}`);
  const [only = ""] = paths;
  const what = paths.length === 1 ? `${only} has` : `these ${paths.length} files have`;
  return new CliFailure(`${what} ${plural(mistakes.length, "mistake")}, and nothing was applied`, {
    hint: "every field is described in docs/policy.md",
    exitCode: exitCodes.usage,
    facts: { mistakes },
  });
}
