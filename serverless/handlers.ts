import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";

const folder = new URL("../functions/", import.meta.url);

/**
 * The functions of a deployment: every file below functions/ that exports a handler. The name is the file's, without
 * folder and ".ts"; the value is its path inside functions/.
 */
export function handlerFiles(): ReadonlyMap<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".ts") && exportsHandler(readFileSync(new URL(path, folder), "utf8")));
  return new Map(
    files
      .map((path) => [basename(path, ".ts"), path] as const)
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  );
}

/** The names of the functions of a deployment, sorted. */
export function handlerNames(): readonly string[] {
  return [...handlerFiles().keys()];
}

function exportsHandler(source: string): boolean {
  return /^export const handler\b/m.test(source);
}

/** What the packager calls a function in the template: "open-rotation" is "OpenDashrotation". */
export function logicalName(functionName: string): string {
  return `${functionName.slice(0, 1).toUpperCase()}${functionName.slice(1)}`.replaceAll("-", "Dash");
}

/** "open-rotation" is "OpenRotation", and `${OpenRotationArn}` in a state machine. */
export function stateName(functionName: string): string {
  return functionName.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
