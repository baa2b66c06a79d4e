import { readFileSync } from "node:fs";
import { storeCommands } from "../../stores/commands.ts";
import { stores } from "../../stores/index.ts";

const page = readFileSync(new URL("../../docs/stores.md", import.meta.url), "utf8");
const titles: Readonly<Record<string, string>> = {
  "secrets-manager": "AWS Secrets Manager",
  vault: "HashiCorp Vault, OpenBao (KV v2)",
  "google-secret-manager": "Google Secret Manager",
  "azure-key-vault": "Azure Key Vault",
};
const swaps = {
  native: "yes, by the store itself",
  afterwards: "no: a change in between is seen afterwards and put back",
  none: "no",
} as const;

test("docs/stores.md has a row for every store, and no other", () => {
  expect(Object.keys(titles).sort()).toEqual(Object.keys(stores).sort());
  expect(Object.keys(storeCommands).sort()).toEqual(Object.keys(stores).sort());
});

test.each(Object.entries(stores))("docs/stores.md says what %s states", (name, { capabilities }) => {
  const row = page.split("\n").find((line) => line.startsWith(`| ${titles[name]} |`)) ?? "";
  const [, , , swap, pending, kept, pinned] = row.split("|").map((cell) => cell.trim());
  expect({ swap, pending, kept, pinned }).toEqual({
    swap: swaps[capabilities.compareAndSwap],
    pending: capabilities.consumersSeePending ? "yes" : "no",
    kept: String(capabilities.versionsKept),
    pinned: capabilities.pinKeeps ? "yes" : "no",
  });
});
