import { readFileSync } from "node:fs";
import { steps } from "../../../functions/index.ts";
import { loadMachine, type Machine } from "../../../local/aws/machine.ts";
import { functionArnPrefix } from "../world/account.ts";

export type MachineName = "rotation" | "compromise";

const loaded = new Map<MachineName, Machine>();

/** Read once: the simulator makes a world per seed. test/package/asl.test.ts has its grammar checked. */
export function machineOf(name: MachineName): Machine {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const machine = loadMachine(JSON.parse(readFileSync(fileOf(name), "utf8")), substitutions(), {
    isChecked: true,
  });
  loaded.set(name, machine);
  return machine;
}

/** The functions that its states name. */
export function functionsOf(name: MachineName): readonly string[] {
  const text = readFileSync(fileOf(name), "utf8");
  return steps.flatMap((step) => (text.includes(`"\${${pascal(step.name)}Arn}"`) ? step.name : []));
}

const fileOf = (name: MachineName) => new URL(`../../../statemachines/${name}.asl.json`, import.meta.url);

function substitutions(): Record<string, string> {
  const arns = steps.map(({ name }) => [`${pascal(name)}Arn`, `${functionArnPrefix}${name}`] as const);
  return { ...Object.fromEntries(arns), BusName: "rekey", Partition: "aws" };
}

function pascal(name: string): string {
  return name.replace(/(?:^|-)([a-z])/g, (_dash, letter: string) => letter.toUpperCase());
}
