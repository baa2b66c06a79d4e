import { headedTable, noticeLines, printed, table, tableLines, wrapped } from "../../cli/table.ts";
import { appliedWorld, rekey } from "./cli-world.ts";

const shown = headedTable(
  ["SECRET", "STATE"],
  [
    ["billing-key", "held by alice: the provider is down and nobody may touch this key until it is back"],
    ["search", "rate(30 days)"],
  ],
);

test("without a width, as for a pipe, a row is one line", () => {
  expect(tableLines(shown)).toEqual([
    "SECRET       STATE",
    "billing-key  held by alice: the provider is down and nobody may touch this key until it is back",
    "search       rate(30 days)",
  ]);
});

test("in 60 columns the widest cell is broken between words, under its own column", () => {
  expect(tableLines(shown, 60)).toEqual([
    "SECRET       STATE",
    "billing-key  held by alice: the provider is down and nobody",
    "             may touch this key until it is back",
    "search       rate(30 days)",
  ]);
});

test("where not even the words fit beside each other, a row is a block", () => {
  const arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:k";
  const wide = headedTable(["SECRET", "ARN", "STATE"], [["billing-key", arn, "manual"]]);

  expect(tableLines(wide, 65)).toEqual(["billing-key", `  arn    ${arn}`, "  state  manual"]);
});

test("a command is never broken, because it is pasted as a whole", () => {
  const command = "rekey incident waive i-2f1c --reason 'it opens nothing any more, says its owner'";

  expect(
    tableLines(
      table([
        ["you", "either way"],
        ["", command],
      ]),
      60,
    ),
  ).toEqual(["you", "  either way", `  ${command}`]);
});

test("no word is lost or broken at any width, and only what cannot be broken is too long", () => {
  const words = (lines: readonly string[]) =>
    lines
      .flatMap((line) => line.split(" "))
      .filter(Boolean)
      .sort();
  for (let width = 20; width <= 120; width += 1) {
    const lines = tableLines(shown, width);
    expect(words(lines).map((word) => word.toLowerCase())).toEqual(
      expect.arrayContaining(
        words(tableLines(shown))
          .slice(2)
          .map((word) => word.toLowerCase())
          .filter((word) => word !== "secret"),
      ),
    );
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
  }
});

test("a text is broken at the last blank that fits", () => {
  expect(wrapped("one two three", 7)).toEqual(["one two", "three"]);
  expect(wrapped("unbreakable", 4)).toEqual(["unbreakable"]);
});

test.each([80, 60])("rekey status fits %i columns", async (width) => {
  const { world } = await appliedWorld({ "billing-key": "", "a-secret-with-quite-a-long-name": "" });
  await rekey(world, [
    "hold",
    "billing-key",
    "--reason",
    "the provider is down, and nobody may touch it until it is back",
  ]);

  const { out } = await rekey(world, "status", { width });

  expect(out).toContain("a-secret-with-quite-a-long-name");
  expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(width);
});

test("a sentence goes on below its own beginning, and a command stays whole", () => {
  const shown = ["  give each consumer a role of its own", "rekey prove billing-key-0001 --and more"];
  expect(printed(shown, 20)).toEqual([
    ...["  give each consumer", "  a role of its own"],
    "rekey prove billing-key-0001 --and more",
  ]);
  expect(printed(shown, undefined)).toEqual(shown);
});

test("a line on stderr goes on behind its name; what was laid out already is left alone", () => {
  expect(noticeLines("rekey: roles are not looked at", 20)).toEqual([
    "rekey: roles are not",
    "       looked at",
  ]);
  const help = "Usage: rekey kit [options] [command]\n\nsealed kits for the day";
  expect(noticeLines(help, 20)).toEqual([help]);
  expect(noticeLines("\x1b[31mrekey: roles are not looked at\x1b[0m", 20)).toHaveLength(1);
});

test("what is a file is broken nowhere", async () => {
  const { world } = await appliedWorld();
  const { out } = await rekey(world, "lint --schema", { width: 60 });
  expect(() => JSON.parse(out)).not.toThrow();
  expect(out.split("\n").some((line) => line.length > 60)).toBe(true);
});
