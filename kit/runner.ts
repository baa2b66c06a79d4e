import { expect } from "expect";

type Case = readonly unknown[];

/** The suite is written for Jest's names. Where no runner brings them, as under `node --test`, Node's own runner does. */
export function useNodesRunner(): void {
  if ("expect" in globalThis) return;
  if (process.env["VITEST"] !== undefined)
    throw new Error(
      "the contract suite uses global names: set `test: { globals: true }` in vitest.config.ts",
    );
  const { after, describe, test } = process.getBuiltinModule("node:test");
  const each =
    (cases: readonly Case[]) =>
    (title: string, story: (...given: Case) => unknown): void => {
      for (const given of cases)
        void test(title.replace("%s", String(given[0])), async () => void (await story(...given)));
    };
  Object.assign(globalThis, {
    ...{ expect, afterAll: after, describe },
    test: Object.assign(
      (title: string, story: () => unknown) => void test(title, async () => void (await story())),
      {
        each,
        skip: (title: string) => void test.skip(title),
      },
    ),
  });
}
