import { execFileSync } from "node:child_process";
import { commandFor, commandLine } from "../../console/command-line.ts";
import { arnOf } from "./world.ts";

test.each([
  ["a'; touch /tmp/x; '"],
  ["$(id)"],
  ["`id`"],
  ["a b"],
  ["*"],
  ["~root"],
  ["!x"],
  ["a\\"],
  ["a&b|c>d"],
  ["#a"],
])("a shell takes %j as one word, and as nothing else", (word) => {
  const line = commandLine(["printf", "%s", word]);

  expect(execFileSync("sh", ["-c", line ?? "exit 1"], { encoding: "utf8" })).toBe(word);
});

test.each([
  ["a new line", "a\nrm -rf x"],
  ["an escape sequence", "a\u001b[2Jb"],
  ["text that runs backwards", "a\u202eb"],
  ["a letter without width", "a\u200bb"],
  ["what looks like an option", "-rf"],
  ["an option with a value", "--file=/etc/passwd"],
  ["nothing", ""],
])("%s gets no command at all", (_what, word) => {
  expect(commandLine(["rekey", "rotate", word])).toBeUndefined();
});

test("a secret whose name is not fit is named by its reference", () => {
  const secretArn = arnOf("odd");

  expect(commandFor(["rekey", "rotate"], { name: "billing-key", secretArn })).toBe(
    "rekey rotate billing-key",
  );
  expect(commandFor(["rekey", "rotate"], { name: "--all", secretArn })).toBe(`rekey rotate ${secretArn}`);
  expect(commandFor(["rekey", "rotate"], { name: "a;b", secretArn })).toBe(`rekey rotate ${secretArn}`);
  expect(commandFor(["rekey", "rotate"], { name: "a;b", secretArn: "a\nb" })).toBeUndefined();
});
