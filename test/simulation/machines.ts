import { readFileSync } from "node:fs";
import { steps } from "../../functions/index.ts";
import { loadMachine, type Machine } from "../../local/aws/machine.ts";
import { functionArnPrefix } from "./account.ts";

export type MachineName = "rotation" | "compromise";

const loaded = new Map<MachineName, Machine>();

/** Read and checked once: the simulator makes a world per seed. */
export function machineOf(name: MachineName): Machine {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const file = new URL(`../../statemachines/${name}.asl.json`, import.meta.url);
  const machine = loadMachine(JSON.parse(readFileSync(file, "utf8")), substitutions());
  loaded.set(name, machine);
  return machine;
}

function substitutions(): Record<string, string> {
  const arns = steps.map(({ name }) => [`${pascal(name)}Arn`, `${functionArnPrefix}${name}`] as const);
  return { ...Object.fromEntries(arns), BusName: "rekey", Partition: "aws" };
}

function pascal(name: string): string {
  return name.replace(/(?:^|-)([a-z])/g, (_dash, letter: string) => letter.toUpperCase());
}
