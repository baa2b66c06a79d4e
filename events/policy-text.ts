import { readYaml } from "./policy-file/document.ts";
import {
  type DeclaredWorld,
  inOrder,
  type PolicyFile,
  type PolicyFileRefused,
  policiesIn,
} from "./policy-file.ts";

/** The policies of a file, and its plain data. The data is sent to the admin function, which checks it again. */
export interface PolicyText extends PolicyFile {
  readonly data: unknown;
}

/** Reads `rekey.yml`, with the line and column of every mistake. */
export function parsePolicyFile(text: string, declared: DeclaredWorld): PolicyText | PolicyFileRefused {
  const file = readYaml(text);
  if ("mistakes" in file) return { mistakes: inOrder(file.mistakes) };
  const policies = policiesIn(file, declared);
  return "mistakes" in policies ? policies : { ...policies, data: file.value };
}
