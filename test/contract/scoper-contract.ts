import type { ScopeQuestion, Scoper } from "../../functions/deps.ts";

export interface ScoperWorld {
  readonly scoper: Scoper;
  /** Nobody can look at who read the secret any more. */
  loseHistory(): void;
  close(): void;
}

const untilMs = Date.parse("2026-11-22T12:05:00Z");
const hourMs = 3_600_000;
const lookBackMaxMs = 90 * 24 * hourMs;
const secretArn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:billing-FAKE00";
const deadAtMs = untilMs - 60_000;

/** About a key whose death is known, one that still lives and one without an id. */
export function questionOf(changes: Partial<ScopeQuestion> = {}): ScopeQuestion {
  return {
    incidentId: "i-1",
    keys: [{ keyId: "key_FAKE1", secretArn, deadAtMs }, { keyId: "key_FAKE2" }, { account: "main" }],
    secrets: [{ secretArn, versionId: "version-1" }],
    ...{ sinceMs: untilMs - hourMs, untilMs, where: [], budgetMs: 240_000 },
    ...changes,
  };
}

/** What everybody who looks around after containment answers, whatever there is to be found. */
export function scoperContract(open: () => ScoperWorld): void {
  let world: ScoperWorld;
  beforeEach(() => {
    world = open();
  });
  afterEach(() => world.close());

  test("a look that got through everything says so, and reached back to where it was asked to", async () => {
    const { ended, reachedBackToMs, readers } = await world.scoper.scope(questionOf());

    expect({ ended, reachedBackToMs, readers }).toEqual({
      ...{ ended: "complete", reachedBackToMs: untilMs - hourMs, readers: [] },
    });
  });

  test("nobody reaches back further than the 90 days that are kept", async () => {
    const { reachedBackToMs } = await world.scoper.scope(questionOf({ sinceMs: 0 }));

    expect(reachedBackToMs).toBe(untilMs - lookBackMaxMs);
  });

  test("every key with a known id is reported on, from the exposure to its death or to now", async () => {
    const { keyUse } = await world.scoper.scope(questionOf());

    expect(keyUse).toMatchObject([
      { keyId: "key_FAKE1", fromMs: untilMs - hourMs, toMs: deadAtMs, stillUsedBy: [] },
      { keyId: "key_FAKE2", fromMs: untilMs - hourMs, toMs: untilMs, stillUsedBy: [] },
    ]);
  });

  test("what nobody looked at is named, one sentence each", async () => {
    const { notChecked } = await world.scoper.scope(questionOf());

    expect(notChecked.length).toBeGreaterThan(0);
    expect(notChecked.join()).toContain("at its provider");
  });

  test("a history that cannot be read costs the readers, which is said, and nothing else", async () => {
    const before = await world.scoper.scope(questionOf());
    world.loseHistory();

    const { ended, reachedBackToMs, keyUse, notChecked } = await world.scoper.scope(questionOf());

    expect({ ended, reachedBackToMs }).toEqual({ ended: "timeBoxed", reachedBackToMs: undefined });
    expect(keyUse).toEqual(before.keyUse);
    expect(notChecked).toContainEqual(expect.stringMatching(/^who read the secret: /));
  });

  test("the findings go into a record as they are, and the question stays as it was", async () => {
    const question = questionOf();

    const findings = await world.scoper.scope(question);

    expect(findings).toStrictEqual(JSON.parse(JSON.stringify(findings)));
    expect(question).toStrictEqual(questionOf());
  });
}
