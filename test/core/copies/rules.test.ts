import { copiesOf, whyCopiesCollide } from "../../../core/copies/declared.ts";
import {
  type CopyNote,
  copyWriteMaxMs,
  noteAstray,
  noteMark,
  noteOverwrite,
  noteRefused,
  noteSeen,
  noteStarted,
  noteUse,
  writtenCopy,
} from "../../../core/copies/note.ts";
import { noteFailed, noteWriting, noteWritten } from "../../../core/copies/note-writing.ts";
import { type CopyView, isAsNoted, isWritten, whyNotWrite } from "../../../core/copies/rules.ts";

const place = { destination: "ci", name: "KEY" };
const [retiring, incoming, theirs] = ["sha256:retiring", "sha256:incoming", "sha256:theirs"];
const written: CopyNote = noteWritten(place, { versionId: "v1", fingerprint: retiring, mark: "m1" });

/** A first write of version v2 whose end nobody knows. */
function unheard(given: { readonly over?: string; readonly sinceMs?: number }): CopyNote {
  return noteWriting(place, { versionId: "v2", fingerprint: incoming, ...given });
}

function view(given: Partial<CopyView> = {}): CopyView {
  return {
    ...{ copy: { to: "ci", as: "KEY" }, note: undefined, nameMistake: undefined, place: undefined },
    ...{ seen: {}, found: undefined, own: [retiring] },
    ...given,
  };
}

const reasonOf = (given: Partial<CopyView>) => whyNotWrite(view(given))?.reason;

describe("a copy is written", () => {
  test.each<[string, Partial<CopyView>]>([
    ["where nothing is", {}],
    ["over the last one, by its mark", { note: written, seen: { mark: "m1" } }],
    [
      "over the last one, by its value under another mark",
      { note: written, seen: { mark: "m2" }, found: retiring },
    ],
    ["over the current key that somebody copied by hand", { seen: { mark: "m9" }, found: retiring }],
    [
      "over it even where Rekey wrote another one before",
      { note: { ...written }, seen: { mark: "m9" }, found: retiring },
    ],
    [
      "where the policy says that it may",
      { copy: { to: "ci", as: "KEY", takeOver: true }, seen: { mark: "m9" } },
    ],
  ])("%s", (_where, given) => {
    expect(reasonOf(given)).toBeUndefined();
  });
});

describe("a copy is written once more", () => {
  test.each<[string, Partial<CopyView>]>([
    [
      "again after a write that never ended",
      { note: noteWriting(place, { versionId: "v2", fingerprint: incoming }), seen: { mark: "m9" } },
    ],
    [
      "again where the value of that write is there",
      {
        note: noteWriting(written, { versionId: "v2", fingerprint: incoming }),
        seen: { mark: "m9" },
        found: incoming,
      },
    ],
    [
      "over a change that a person ordered away",
      { note: noteOverwrite(written), seen: { mark: "m9" }, found: theirs },
    ],
    ["over what was there first, by the same order", { note: noteOverwrite(place), seen: { mark: "m9" } }],
    [
      "again over what a write that never ended was to replace",
      {
        copy: { to: "ci", as: "KEY", takeOver: true },
        note: noteWriting(place, { versionId: "v2", fingerprint: incoming, over: theirs }),
        ...{ seen: { mark: "m9" }, found: theirs },
      },
    ],
    [
      "again over a change that a person ordered away, where the write never ended",
      {
        note: noteWriting(noteOverwrite(written), { versionId: "v2", fingerprint: incoming, over: theirs }),
        ...{ seen: { mark: "m9" }, found: theirs },
      },
    ],
    [
      "again after a change in the time of a write that never ended",
      { note: unheard({ sinceMs: 5_000 }), seen: { mark: "m9", changedAtMs: 5_000 + copyWriteMaxMs } },
    ],
    [
      "again after a change at a place that does not tell when it was made",
      { note: unheard({ sinceMs: 5_000 }), seen: { mark: "m9" } },
    ],
    [
      "again over what was there when a write had failed",
      {
        note: noteFailed(unheard({ over: "m1" }), { begun: 1, over: "m2" }),
        seen: { mark: "m2", changedAtMs: 6_000 },
      },
    ],
    [
      "again where a person ordered away that nothing is there, and the write never ended",
      { note: noteWriting(noteOverwrite(written), { versionId: "v2", fingerprint: incoming }), seen: {} },
    ],
  ])("%s", (_where, given) => {
    expect(reasonOf(given)).toBeUndefined();
  });
});

describe("a copy is not written", () => {
  test.each<[string, Partial<CopyView>, string]>([
    ["under a name that the place refuses", { nameMistake: "too long" }, "NameRefused"],
    ["where the token leads elsewhere", { place: { reason: "WrongPlace", detail: "staging" } }, "WrongPlace"],
    ["where another tool writes", { seen: { mark: "m1", managedBy: "helm" } }, "ManagedElsewhere"],
    [
      "where it would be another environment's too",
      { seen: { mark: "m1", conflict: "also preview" } },
      "CopyConflict",
    ],
    ["over a change by somebody else", { note: written, seen: { mark: "m2" } }, "CopyChanged"],
    ["over a change that can be read", { note: written, seen: { mark: "m2" }, found: theirs }, "CopyChanged"],
    ["where somebody took it away", { note: written, seen: {} }, "CopyChanged"],
    ["over what was never Rekey's", { seen: { mark: "m1" } }, "CopyExists"],
    [
      "where a write that never ended left something else",
      {
        note: noteWriting(written, { versionId: "v2", fingerprint: incoming }),
        seen: { mark: "m9" },
        found: theirs,
      },
      "CopyChanged",
    ],
    [
      "over what somebody put there after a first write that may take over, and never ended",
      {
        copy: { to: "ci", as: "KEY", takeOver: true },
        note: noteWriting(place, { versionId: "v2", fingerprint: incoming, over: retiring }),
        ...{ seen: { mark: "m9" }, found: theirs },
      },
      "CopyChanged",
    ],
    [
      "over what somebody put there after a first write where nothing was, which never ended",
      {
        copy: { to: "ci", as: "KEY", takeOver: true },
        note: noteWriting(place, { versionId: "v2", fingerprint: incoming }),
        ...{ seen: { mark: "m9" }, found: theirs },
      },
      "CopyChanged",
    ],
    [
      "over what somebody put there after the time of a write that never ended",
      { note: unheard({ sinceMs: 5_000 }), seen: { mark: "m9", changedAtMs: 5_001 + copyWriteMaxMs } },
      "CopyChanged",
    ],
    [
      "over what somebody put there after a write that was refused",
      {
        note: noteFailed(unheard({ over: "m1", sinceMs: 5_000 }), { begun: 1, over: "m1" }),
        seen: { mark: "m2", changedAtMs: 5_001 },
      },
      "CopyChanged",
    ],
    [
      "over a second change, where the write that was ordered over the first never ended",
      {
        note: noteWriting(noteOverwrite(written), {
          ...{ versionId: "v2", fingerprint: incoming, over: "sha256:first-change" },
        }),
        ...{ seen: { mark: "m9" }, found: theirs },
      },
      "CopyChanged",
    ],
  ])("%s", (_where, given, reason) => {
    expect(whyNotWrite(view(given))).toMatchObject({ reason, detail: expect.any(String) });
  });
});

test("of a write that failed nothing is noted once another one has begun, or has ended", () => {
  const again = noteWriting(unheard({}), { versionId: "v2", fingerprint: incoming });
  expect(noteFailed(again, { begun: 1, over: "m2" })).toBe(again);
  expect(noteFailed(written, { begun: 1, over: "m2" })).toBe(written);
});

test("a write that ends late is the last one where the one after it failed", () => {
  const failed = noteFailed(noteWriting(unheard({}), { versionId: "v3", fingerprint: theirs }), {
    ...{ begun: 2, over: "m1" },
  });
  const note = noteWritten(failed, { versionId: "v2", fingerprint: incoming, mark: "m2", begun: 1 });
  expect(note).toMatchObject({ written: { versionId: "v2", mark: "m2" } });
  expect(note.writing).toBeUndefined();
});

test("nothing is left to write only if the mark belongs to this version", () => {
  const seen = { mark: "m1" };
  expect(isWritten({ note: written, seen, found: undefined }, "v1")).toBe(true);
  expect(isWritten({ note: written, seen: { mark: "m2" }, found: retiring }, "v1")).toBe(true);
  expect(isWritten({ note: written, seen: { mark: "m2" }, found: undefined }, "v1")).toBe(false);
  expect(isWritten({ note: written, seen, found: undefined }, "v2")).toBe(false);
  expect(isWritten({ note: written, seen: {}, found: undefined }, "v1")).toBe(false);
  expect(isWritten({ note: undefined, seen, found: undefined }, "v1")).toBe(false);
  const again = noteWriting(written, { versionId: "v1", fingerprint: retiring });
  expect(isWritten({ note: again, seen, found: undefined }, "v1")).toBe(false);
});

test("without a write nothing can be as noted", () => {
  expect(isAsNoted({ note: place, seen: { mark: "m1" }, found: undefined })).toBe(false);
  expect(isAsNoted({ note: undefined, seen: {}, found: undefined })).toBe(false);
});

describe("the note", () => {
  test("keeps the first time that is surely after the write", () => {
    const seen = noteSeen(noteSeen(written, 5), 9);
    expect(writtenCopy(seen, 20)).toMatchObject({ seenAtMs: 5 });
    expect(writtenCopy(written, 20)).toMatchObject({ seenAtMs: 20 });
  });

  test("counts use from the first look of those in a row that found it", () => {
    const used = noteUse(noteUse(written, { isActive: true, nowMs: 5 }), { isActive: true, nowMs: 9 });
    expect(used.written?.activeSinceMs).toBe(5);
    const lost = noteUse(used, { isActive: false, nowMs: 10 });
    expect(lost.written).not.toHaveProperty("activeSinceMs");
    expect(noteUse(lost, { isActive: true, nowMs: 12 }).written?.activeSinceMs).toBe(12);
  });

  test("of a copy that was never written stays as it is", () => {
    for (const same of [
      noteSeen(place, 5),
      noteUse(place, { isActive: true, nowMs: 5 }),
      noteMark(place, "m2"),
      noteStarted(place, "dpl_1"),
    ])
      expect(same).toEqual(place);
    expect(writtenCopy(place, 5)).toBeUndefined();
    expect(noteStarted(written, undefined)).toEqual(written);
  });

  test("of a new write knows nothing of what an earlier one started, ordered or refused to end", () => {
    const before = noteOverwrite(
      noteWriting(noteStarted(noteMark(written, "m2"), "dpl_1"), { versionId: "v2", fingerprint: incoming }),
    );
    expect(writtenCopy(before, 1)).toMatchObject({ started: "dpl_1", mark: "m2" });
    expect(noteWritten(before, { versionId: "v2", fingerprint: incoming, mark: "m3", begun: 1 })).toEqual({
      ...place,
      begun: 1,
      written: { versionId: "v2", fingerprint: incoming, mark: "m3" },
    });
  });

  test("tells a second write of the same version from the first, and not from another version's", () => {
    const again = noteWritten(written, { versionId: "v1", fingerprint: retiring, mark: "m2" });
    const third = noteWritten(again, { versionId: "v1", fingerprint: retiring, mark: "m3" });
    const next = noteWritten(third, { versionId: "v2", fingerprint: incoming, mark: "m4" });
    expect([written, again, third, next].map((note) => writtenCopy(note, 1)?.write)).toEqual([
      "v1",
      "v1-2",
      "v1-3",
      "v2",
    ]);
  });

  describe("of a value that was written again outside the note", () => {
    const used = noteUse(noteStarted(noteSeen(written, 3), "dpl_1"), { isActive: true, nowMs: 5 });

    test("has it started again: what was started before it may be older than what is there", () => {
      const again = noteMark(used, "m2");
      expect(writtenCopy(again, 9)).toEqual({
        ...{ name: place.name, versionId: "v1", write: "v1-2", mark: "m2", seenAtMs: 9 },
      });
      expect(again.written?.activeSinceMs).toBe(5);
    });

    test("stays as it is under the same mark", () => {
      expect(noteMark(used, "m1")).toEqual(used);
    });

    test("has it started a few times only, so that a tool that saves it every minute starts no endless row", () => {
      let note = used;
      for (let nth = 2; nth <= 20; nth++)
        note = noteStarted(noteMark(note, `m${nth}`), `dpl_${Math.min(nth, 5)}`);
      expect(writtenCopy(noteMark(note, "m99"), 9)).toMatchObject({
        ...{ write: "v1-5", mark: "m99", started: "dpl_5" },
      });
    });
  });

  describe("of a write that was frozen until another one had ended", () => {
    const [v1, v2] = [
      { versionId: "v1", fingerprint: retiring },
      { versionId: "v2", fingerprint: incoming },
    ];
    const isThere = (note: CopyNote, mark: string, versionId: string) => {
      const found = { note, seen: { mark }, found: undefined };
      return [isAsNoted(found), isWritten(found, versionId)];
    };

    test("takes either mark for Rekey's where both wrote the same version", () => {
      const twice = noteWriting(noteWriting(place, v2), v2);
      const second = noteWritten(twice, { ...v2, mark: "m2", begun: 2 });
      const both = noteWritten(second, { ...v2, mark: "m1", begun: 1 });
      for (const mark of ["m1", "m2"]) expect(isThere(both, mark, "v2")).toEqual([true, true]);
      expect(isThere(both, "m9", "v2")).toEqual([false, false]);
      expect(both.written).toEqual(second.written);
      expect(noteWriting(both, v2)).not.toHaveProperty("late");
    });

    test("keeps its mark also where the other one has not ended yet", () => {
      const late = noteWritten(noteWriting(noteWriting(place, v2), v2), { ...v2, mark: "m1", begun: 1 });
      expect(late.writing).toEqual(v2);
      const both = noteWritten(late, { ...v2, mark: "m2", begun: 2 });
      expect(isThere(both, "m1", "v2")).toEqual([true, true]);
    });

    test("has the copy written again where the late one may have put an earlier version there", () => {
      const begun = noteWriting(noteWriting(place, v1), v2);
      const [first, second] = [
        { ...v1, mark: "m1", begun: 1 },
        { ...v2, mark: "m2", begun: 2 },
      ];
      const after = noteWritten(noteWritten(begun, second), first);
      const meanwhile = noteWritten(noteWritten(begun, first), second);
      for (const note of [after, meanwhile])
        for (const mark of ["m1", "m2"]) expect(isThere(note, mark, "v2")).toEqual([true, false]);
      const over = noteWritten(noteWriting(after, v2), { ...v2, mark: "m3", begun: 3 });
      expect(isThere(over, "m3", "v2")).toEqual([true, true]);
      expect(isThere(over, "m1", "v2")).toEqual([false, false]);
    });

    test("remembers only the last few", () => {
      let note = noteWriting(noteWriting(place, v2), v2);
      for (let nth = 0; nth < 9; nth++) note = noteWritten(note, { ...v2, mark: `m${nth}`, begun: 1 });
      expect(note.late?.map(({ mark }) => mark)).toEqual(["m4", "m5", "m6", "m7", "m8"]);
    });
  });

  test("has the last refusal, and what the sweep found, until they are over", () => {
    expect(noteRefused(noteRefused(place, "no"), undefined)).toEqual(place);
    expect(noteAstray(noteAstray(place, "changed"), undefined)).toEqual(place);
    expect(noteAstray(noteRefused(place, "no"), "changed")).toEqual({
      ...place,
      refused: "no",
      astray: "changed",
    });
  });
});

describe("declared copies", () => {
  const consumer = (name: string, copies?: readonly { to: string; as: string }[]) =>
    ({ name, ...(copies && { copies }) }) as never;
  const policy = (secretArn: string, consumers: readonly never[] | "none") => ({
    ...{ secretArn, name: secretArn, environment: "production", consumers },
  });
  const ci = { to: "ci", as: "KEY" };

  test("are each place once, whoever reads there", () => {
    expect(copiesOf(policy("a", [consumer("x", [ci]), consumer("y", [ci]), consumer("z")]))).toEqual([ci]);
    expect(copiesOf(policy("a", "none"))).toEqual([]);
  });

  test("collide with another secret's at the same name, and not with their own", () => {
    const [a, b] = [
      policy("a", [consumer("x", [ci])]),
      policy("b", [consumer("x", [ci, { to: "ci", as: "B" }])]),
    ];
    const placeOf = () => ({ isShared: false });
    expect(whyCopiesCollide(a, { others: [a], placeOf })).toEqual([]);
    expect(whyCopiesCollide(a, { others: [a, b], placeOf })).toEqual([
      "KEY at ci is also a copy of production/b",
    ]);
  });

  test("crowd a place that does not tell which of its values was changed", () => {
    const other = { to: "ci", as: "B" };
    const [a, b] = [policy("a", [consumer("x", [ci, other])]), policy("b", [consumer("x", [other])])];
    const placeOf = (to: string) => ({ isShared: to === "ci" });

    expect(whyCopiesCollide(a, { others: [a], placeOf })).toEqual([
      expect.stringContaining("KEY of production/a"),
    ]);
    expect(whyCopiesCollide(policy("a", [consumer("x", [ci])]), { others: [b], placeOf })).toEqual([
      expect.stringContaining("B of production/b"),
    ]);
    expect(whyCopiesCollide(a, { others: [a], placeOf: () => ({ isShared: false }) })).toEqual([]);
  });

  test("go only to a place of their own consumer, where the deployment says whose it is", () => {
    const a = policy("a", [consumer("x", [ci]), consumer("y", [{ to: "web", as: "KEY" }])]);
    const placeOf = (to: string) => ({ isShared: false, ...(to === "ci" && { consumers: ["y", "z"] }) });

    expect(whyCopiesCollide(a, { others: [a], placeOf })).toEqual([
      "KEY at ci: the deployment gives this place only copies of y, z, and not of x",
    ]);
    expect(whyCopiesCollide(policy("a", "none"), { others: [], placeOf })).toEqual([]);
  });
});
