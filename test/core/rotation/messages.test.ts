import { digestOf, isDigestDue, messagesOf } from "../../../core/rotation/messages.ts";
import type { Notice } from "../../../core/rotation/notices.ts";

const dayMs = 86_400_000;
const nowMs = 100 * dayMs;

describe("messages", () => {
  const notice = (index: number, change: Partial<Notice> = {}): Notice => ({
    ...{ id: `s-${index}/x`, secretArn: `s-${index}`, name: `key-${index}`, severity: "notify" },
    ...{ what: "needs you", steps: ["rekey supply x"], topic: "SupplyOverdue", ...change },
  });
  const many = (count: number) => Array.from({ length: count }, (_, index) => notice(index));

  test("a few are told each by itself", () => {
    expect(messagesOf([notice(1, { owner: "Team A" }), notice(2)])).toEqual([
      {
        ...{ severity: "notify", steps: ["rekey supply x"], topic: "SupplyOverdue", secretArns: ["s-1"] },
        ...{ title: "key-1: needs you", lines: ["owner: Team A"] },
      },
      expect.objectContaining({ title: "key-2: needs you", lines: [] }),
    ]);
    expect(messagesOf([])).toEqual([]);
  });

  test("many at once are one list, the worst first, bounded and counted", () => {
    const [message, ...more] = messagesOf([...many(40), notice(99, { severity: "page", owner: "Team Z" })]);
    expect(more).toEqual([]);
    expect(message).toMatchObject({
      severity: "page",
      title: "41 secrets need somebody",
      steps: ["rekey status"],
    });
    expect(message?.lines).toHaveLength(31);
    expect(message?.lines[0]).toBe("key-99 (Team Z): needs you");
    expect(message?.lines.at(-1)).toBe("and 11 more: rekey status");
  });

  test("the daily list is quiet where nothing is open, and never pages", () => {
    expect(digestOf([])).toBeUndefined();
    expect(digestOf([notice(1, { severity: "page" })])).toMatchObject({
      ...{ severity: "notify", title: "1 secret still needs somebody" },
    });
    expect(digestOf(many(2))).toMatchObject({ severity: "notify", title: "2 secrets still need somebody" });
  });

  describe("under mode: observe", () => {
    const observed = (index: number, isReady = false) => ({
      ...{ secretArn: `o-${index}`, name: `seen-${index}`, isReady, what: "1 consumer behind" },
    });
    const observedMany = (count: number) => Array.from({ length: count }, (_, index) => observed(index));

    test("a day without anything open has a list of its own, first those that would get through", () => {
      expect(digestOf([], [observed(1, true), observed(2)])).toEqual({
        ...{ severity: "notify", title: "2 secrets are observed", topic: "AdoptionOverdue" },
        lines: ["2 secrets are observed: a rotation of 1 would get through", "seen-2: 1 consumer behind"],
        ...{ steps: ["rekey status"], secretArns: ["o-1", "o-2"] },
      });
      expect(digestOf([], [observed(1, true)])).toMatchObject({
        title: "1 secret is observed",
        lines: ["1 secret is observed: a rotation of 1 would get through"],
      });
    });

    test("what is open comes before it, under the title of what is open", () => {
      expect(digestOf([notice(1)], [observed(2)])).toMatchObject({
        ...{ title: "1 secret still needs somebody", secretArns: ["s-1"] },
        lines: [
          "key-1: needs you",
          "1 secret is observed: a rotation of 0 would get through",
          "seen-2: 1 consumer behind",
        ],
      });
    });

    test("the list is bounded, and counts the rest", () => {
      const bounded = digestOf([], observedMany(30));
      expect(bounded?.lines).toHaveLength(31);
      expect(bounded?.lines.at(-1)).toBe("seen-29: 1 consumer behind");
      const cut = digestOf([], observedMany(32));
      expect(cut?.lines).toHaveLength(32);
      expect(cut?.lines.at(-1)).toBe("and 2 more: rekey status");
      expect(cut?.secretArns).toHaveLength(30);
    });
  });

  test("it is due once a day, after seven in the morning", () => {
    const hourMs = 3_600_000;
    expect(isDigestDue({ nowMs })).toBe(true);
    expect(isDigestDue({ nowMs: nowMs + 6 * hourMs, lastMs: nowMs - 12 * hourMs })).toBe(false);
    expect(isDigestDue({ nowMs: nowMs + 7 * hourMs, lastMs: nowMs - 12 * hourMs })).toBe(true);
    expect(isDigestDue({ nowMs: nowMs + 8 * hourMs, lastMs: nowMs + 7 * hourMs })).toBe(false);
  });
});
