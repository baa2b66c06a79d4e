import type { Plugin } from "esbuild";
import { issuers } from "../providers/index.ts";
import { providers } from "../providers/kinds.ts";

/** The statement of one provider, in a function's package; by the name of its folder. */
export function statementFile(folder: string): string {
  return `providers/statements/${folder}`;
}

/**
 * In the place of providers/index.ts: what tells issuers apart, as data. In the place of providers/kinds.ts: a
 * statement's file once somebody asks for it. Without this, each provider would be a kilobyte more in the first call of
 * each function.
 */
export const issuerSummaries: Plugin = {
  name: "issuer-summaries",
  setup(bundler) {
    bundler.onLoad({ filter: /\/providers\/index\.ts$/ }, () => ({ contents: summaries(), loader: "ts" }));
    bundler.onLoad({ filter: /\/providers\/kinds\.ts$/ }, () => ({ contents: statements(), loader: "ts" }));
  },
};

function summaries(): string {
  const known = issuers.map(({ kind, title, aliases, keyTexts, areChosen, byHand }) => ({
    ...{ kind, title, aliases, keyTexts, areChosen, byHand },
  }));
  return `
export const issuers = ${JSON.stringify(known)};
export function issuerOf(kind) {
  return issuers.find((issuer) => issuer.kind === kind);
}
`;
}

function statements(): string {
  return `
import { createRequire } from "node:module";
export const providers = {};
const load = createRequire(import.meta.url);
const base = /\\/shared\\/[^/]+$/.test(import.meta.url) ? "../" : "./";
for (const kind of ${JSON.stringify(Object.keys(providers))}) {
  const statement = () => Object.values(load(base + "${statementFile("")}" + kind + ".mjs"))
    .find((exported) => exported?.kind === kind && "adapter" in exported);
  Object.defineProperty(providers, kind, { enumerable: true, get: statement });
}
`;
}
