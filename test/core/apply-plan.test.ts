import { planOf, whyNotAmong } from "../../core/apply-plan.ts";
import type { Policy } from "../../core/policy.ts";
import type { Schedule } from "../../core/schedule.ts";

const minute = 60_000;

function policy(name: string, over: Partial<Policy> = {}): Policy {
  return {
    ...{ secretArn: `arn:${name}`, name, environment: "production", mode: "rotate" },
    provider: { account: "main", kind: "openai", settings: { baseUrl: "https://a.example" } },
    ...{ consumers: "none", signals: [], maxAgeMs: minute, quietMs: 0, overlapMs: minute, soakMs: 0 },
    ...{ retain: false, incident: { containByMs: 1, escalateAfterMs: 1 } },
    ...over,
  };
}

const schedule = (name: string, over: Partial<Schedule> = {}) =>
  ({ name, secretArn: `arn:${name}`, expression: "rate(1 day)", ...over }) as Schedule;

const declared = (policies: readonly Policy[], schedules: readonly Schedule[] = []) => ({
  ...{ policies, schedules },
});
const nothing = declared([]);
const keep = { files: ["app"], prune: false };
const prune = { files: ["app"], prune: true };
const actions = (plan: ReturnType<typeof planOf>) =>
  plan.map(({ kind, action, name }) => `${action} ${kind} ${name}`);

describe("a secret that is in no file any more", () => {
  const current = declared([policy("a", { file: "app" })], [schedule("a")]);

  test("is left with its schedule, unless somebody asked to prune", () => {
    expect(actions(planOf(current, nothing, keep))).toEqual(["left policy a"]);
    expect(actions(planOf(current, nothing, prune))).toEqual(["remove policy a", "remove schedule a"]);
  });

  test("is not touched if it is another file's, and is if no file is known", () => {
    const theirs = declared([policy("a", { file: "other" })], [schedule("a")]);
    expect(planOf(theirs, nothing, prune)).toEqual([]);
    expect(actions(planOf(declared([policy("a")]), nothing, prune))).toEqual(["remove policy a"]);
  });

  test("loses its schedule where no policy is left for it", () => {
    expect(actions(planOf(declared([], [schedule("a")]), nothing, keep))).toEqual(["remove schedule a"]);
  });
});

test("a declared secret takes over what another file declared of it, and its schedule goes if it has none", () => {
  const theirs = declared([policy("a", { file: "other" })], [schedule("a")]);
  const ours = declared([policy("a", { file: "app" })]);
  expect(actions(planOf(theirs, ours, keep))).toEqual(["update policy a", "remove schedule a"]);
});

describe("what is shown of a change", () => {
  const changes = (before: Partial<Policy>, after: Partial<Policy>) =>
    planOf(declared([policy("a", before)]), declared([policy("a", after)]), keep).flatMap((step) => [
      ...step.changes,
    ]);

  test("is both values, times in units and without `Ms`, fields in the order of the alphabet", () => {
    expect(changes({ quietMs: minute, name: "a" }, { quietMs: 2 * minute, name: "b" })).toEqual([
      { field: "name", before: "a", after: "b" },
      { field: "quiet", before: "1m", after: "2m" },
    ]);
  });

  test("is one value where the other is missing", () => {
    expect(changes({}, { owner: "team" })).toEqual([{ field: "owner", after: "team" }]);
    expect(changes({ owner: "team" }, {})).toEqual([{ field: "owner", before: "team" }]);
  });

  test("is JSON with sorted names for what is no text, and cut where it is long", () => {
    expect(changes({}, { incident: { escalateAfterMs: 1, containByMs: 2 } })).toEqual([
      {
        field: "incident",
        before: '{"containByMs":1,"escalateAfterMs":1}',
        after: '{"containByMs":2,"escalateAfterMs":1}',
      },
    ]);
    const [atMost, tooLong] = [200, 201].map((length) => changes({}, { owner: "x".repeat(length) })[0]);
    expect(atMost?.after).toBe("x".repeat(200));
    expect(tooLong?.after).toBe(`${"x".repeat(200)}…`);
  });

  test("is nothing of a start that is later, nor of a pause", () => {
    const plan = planOf(
      declared([policy("a")], [schedule("a", { isPaused: true })]),
      declared([policy("a")], [schedule("a")]),
      keep,
    );
    expect(plan.map(({ action, changes: all }) => [action, all])).toEqual([
      ["unchanged", []],
      ["unchanged", []],
    ]);
  });
});

describe("why the other policies do not allow this one", () => {
  const why = (one: Policy, stored: readonly Policy[], wanted: readonly Policy[] = [one]) =>
    whyNotAmong(one, { stored, wanted, files: ["app"] });
  const a = policy("a");

  test("is nothing if it is new, or was its own file's, or no file's", () => {
    expect(why(a, [])).toBeUndefined();
    expect(why(a, [policy("a", { file: "app" })])).toBeUndefined();
    expect(why(a, [a])).toBeUndefined();
  });

  test("is the file that declares the secret", () => {
    expect(why(a, [policy("b"), policy("a", { name: "older", file: "other" })])).toBe(
      "the file other declares this secret, as older: apply both files together, or with --replaces other",
    );
  });

  test("is a name that another secret has, unless that one gets a new name now", () => {
    const namesake = policy("b", { name: "a" });
    expect(why(a, [policy("c"), namesake])).toBe("another secret has this name: arn:b");
    expect(why(a, [namesake], [a, policy("b")])).toBeUndefined();
  });

  test("is another secret that takes the same account's name for other settings", () => {
    const other = policy("b", { provider: { ...a.provider, settings: { baseUrl: "https://b.example" } } });
    expect(why(a, [other])).toBe(
      "b has other settings for the account main: one name is one account, so apply both files together",
    );
    expect(why(a, [policy("b"), { ...other, provider: { ...other.provider, account: "second" } }])).toBe(
      undefined,
    );
    expect(why(a, [other], [a, policy("b")])).toBeUndefined();
  });

  const follower = (name: string, first: string) => policy(name, { after: `production/${first}` });

  test("is an `after` that names no secret of the deployment", () => {
    expect(why(follower("a", "b"), [])).toBe("after: this deployment has no secret production/b");
    expect(why(follower("a", "b"), [policy("b", { environment: "staging" })])).toContain("has no secret");
    expect(why(follower("a", "b"), [policy("b")])).toBeUndefined();
    expect(why(follower("a", "b"), [], [follower("a", "b"), policy("b")])).toBeUndefined();
  });

  test("is a circle that it is in, and not one further on", () => {
    const circle = [follower("a", "b"), follower("b", "c"), follower("c", "a")];
    expect(why(follower("a", "b"), circle.slice(1))).toBe(
      "after: production/a waits for production/b waits for production/c waits for production/a",
    );
    expect(why(follower("d", "b"), circle)).toBeUndefined();
  });
});
