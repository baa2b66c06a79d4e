import { type PlacedMessage, readYaml } from "./policy-file/document.ts";
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

interface TextOf {
  readonly text: string;
  readonly path?: string;
}

/** Reads `rekey.yml`, with the line and column of every mistake. */
export function parsePolicyFile(
  { text, path }: TextOf,
  declared: DeclaredWorld,
): PolicyText | PolicyFileRefused {
  const { file, mistakes } = readYaml(text);
  if (file === undefined) return { mistakes: inOrder(mistakes) };
  const read = policiesIn({ ...file, ...(path !== undefined && { path }) }, declared);
  const further = "mistakes" in read ? read.mistakes.filter((mistake) => !isAtOneOf(mistake, mistakes)) : [];
  if (mistakes.length + further.length > 0) return { mistakes: inOrder([...mistakes, ...further]) };
  return "mistakes" in read ? read : { ...read, data: file.value };
}

/** What was wrong as YAML was left out, and would be reported a second time as missing. */
function isAtOneOf({ line, column }: PlacedMessage, known: readonly PlacedMessage[]): boolean {
  return known.some((one) => one.line === line && one.column === column);
}
