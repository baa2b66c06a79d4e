import { readdirSync, readFileSync } from "node:fs";

const folder = new URL("../functions/", import.meta.url);

/** The functions of a deployment: every file in functions/ that exports a handler, by its name without ".ts". */
export function handlerNames(): readonly string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".ts") && exportsHandler(readFileSync(new URL(file, folder), "utf8")))
    .map((file) => file.slice(0, -".ts".length))
    .sort();
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
