import type { Plugin } from "esbuild";
import { issuers, providers } from "../providers/index.ts";

/** The statement of one provider, in a function's package; by the name of its folder. */
export function statementFile(folder: string): string {
  return `providers/statements/${folder}`;
}

/**
 * In the place of providers/index.ts: what tells issuers apart, as data, and a statement's file once somebody asks for
 * it. Without this, each provider would be a kilobyte more in the first call of each function.
 */
export const issuerSummaries: Plugin = {
  name: "issuer-summaries",
  setup(bundler) {
    bundler.onLoad({ filter: /\/providers\/index\.ts$/ }, () => ({ contents: summaries(), loader: "ts" }));
  },
};

function summaries(): string {
  const known = issuers.map(({ kind, title, aliases, keyTexts, byHand }) => ({
    ...{ kind, title, aliases, keyTexts, byHand },
  }));
  const kinds = Object.keys(providers);
  return `
export const issuers = ${JSON.stringify(known)};
export const providers = {};
const base = /\\/shared\\/[^/]+$/.test(import.meta.url) ? "../" : "./";
for (const kind of ${JSON.stringify(kinds)}) {
  const statement = () => Object.values(require(base + "${statementFile("")}" + kind + ".mjs"))
    .find((exported) => exported?.kind === kind && "adapter" in exported);
  Object.defineProperty(providers, kind, { enumerable: true, get: statement });
}
export function issuerOf(kind) {
  return issuers.find((issuer) => issuer.kind === kind);
}
`;
}
