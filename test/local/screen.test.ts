import { screen } from "../../local/screen.ts";

function shownAt(columns: number) {
  let text = "";
  const write = (chunk: string) => {
    text += chunk;
    return true;
  };
  const stream = { columns, write };
  return {
    shown: screen({ json: false }, { out: stream, err: stream }),
    lines: () => text.trimEnd().split("\n"),
  };
}

const waiting = {
  ...{ elapsedMs: 1234, name: "check-adoption", secret: "billing-key" },
  text: "search: instance search-2 still holds the retiring key, seen 0.4 s ago (and 5 more)",
};

test("a step names its secret, and wraps at 60 columns between words, under its own text", () => {
  const { shown, lines } = shownAt(60);

  shown.step(waiting);

  expect(lines()).toEqual([
    "   1.2 s  check-adoption   billing-key: search: instance",
    "                           search-2 still holds the retiring",
    "                           key, seen 0.4 s ago (and 5 more)",
  ]);
});

test("a name that is longer than its column stays apart from the text", () => {
  const { shown, lines } = shownAt(100);

  shown.step({ ...waiting, name: "replacementPromoted", text: "key_FAKE0002" });

  expect(lines()).toEqual(["   1.2 s  replacementPromoted billing-key: key_FAKE0002"]);
});

test("a step that says the same but for its ages is not repeated; a changed number of instances is news", () => {
  const { shown, lines } = shownAt(200);

  shown.step(waiting);
  shown.step({ ...waiting, elapsedMs: 2000, text: waiting.text.replace("0.4 s", "1.2 s") });
  shown.step({ ...waiting, elapsedMs: 3000, text: waiting.text.replace("5 more", "2 more") });

  expect(lines().filter((line) => line.includes("check-adoption"))).toHaveLength(2);
});

test("what is said, its verdicts and its errors wrap too", () => {
  const { shown, lines } = shownAt(60);
  const text = "a sentence of words that takes more than sixty columns on its own line";

  shown.say(text);
  shown.verdict({ isGood: false, text });
  shown.error(text, text);

  expect(Math.max(...lines().map((line) => line.length))).toBeLessThanOrEqual(60);
  expect(lines()[2]).toBe("  ✗ a sentence of words that takes more than sixty columns");
});

test("what can be done about several errors is said once, after them", () => {
  const { shown, lines } = shownAt(80);

  shown.error(["one", "two"], "look above");

  expect(lines()).toEqual(["rekey: error: one", "rekey: error: two", "rekey: hint: look above"]);
});
