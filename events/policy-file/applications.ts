import { type Application, type FannedOut, fanOut } from "../../core/copies/fan-out.ts";
import type { Mistake } from "./block.ts";
import type { ApplicationBlock, ConsumerBlock, FileBlock, SecretBlock } from "./schema.ts";

/** What the applications of a file add to its secrets. */
export interface Applications {
  readonly mistakes: readonly Mistake[];
  /** The secret's block with the copies that applications take of it. */
  under(
    name: string,
    block: SecretBlock,
  ): { readonly block: SecretBlock; readonly mistakes: readonly Mistake[] };
}

export function applicationsIn({ applications = {}, secrets = {} }: FileBlock): Applications {
  const all = Object.entries(applications).flatMap(([name, blocks]) =>
    [blocks].flat().map((block) => applicationOf(name, block)),
  );
  const { given, mistakes } = fanOut(all, Object.keys(secrets));
  return {
    mistakes: mistakes.map(({ application, message }) => at(application, message)),
    under(name, block) {
      const taken = given.filter(({ secret }) => secret === name);
      const why = whyNotTaken(block);
      if (why === undefined) return { block: taken.reduce(withCopies, block), mistakes: [] };
      return { block, mistakes: taken.map(({ consumer }) => at(consumer, `takes ${name}, and ${why}`)) };
    },
  };
}

function at(application: string, message: string): Mistake {
  return { path: ["applications", application], part: "key", message };
}

function whyNotTaken({ mode, consumers, keys }: SecretBlock): string | undefined {
  if (keys !== undefined) return "its keys are per consumer: list the application there, with copies";
  if (mode === "index") return "its mode is index: no copy of it would ever be written";
  if (consumers === "rekey") return "it is a credential of Rekey's own";
  return consumers === "none" ? "its consumers are none" : undefined;
}

function applicationOf(name: string, { to, takes, ...rest }: ApplicationBlock): Application {
  const rows = Object.entries(takes).map(([as, taken]) => ({
    as,
    ...(typeof taken === "string" ? { from: taken } : taken),
  }));
  return { ...rest, name, to: [to].flat(), takes: rows };
}

/** An application that the secret does not list is a consumer of it all the same, with the evidence of its copies. */
function withCopies(block: SecretBlock, { consumer: name, copies }: FannedOut): SecretBlock {
  const { consumers } = block;
  const listed: readonly ConsumerBlock[] = Array.isArray(consumers) ? consumers : [];
  const known = listed.find((each) => each.name === name);
  const own = { ...known, name, copies: [...(known?.copies ?? []), ...copies] };
  const next = known === undefined ? [...listed, own] : listed.map((each) => (each === known ? own : each));
  return { ...block, consumers: next };
}
