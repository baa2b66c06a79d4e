import * as errors from "../../core/errors.ts";

type Told = new (message: string) => errors.RotationError;
const classes = Object.entries(errors).filter(([name]) => name !== "RotationError") as unknown as [
  string,
  Told,
][];
const retriedAs = (kind: errors.RetryKind) =>
  classes.filter(([, Class]) => new Class("told").retry === kind).map(([name]) => name);

test("what changed nothing, or may safely happen twice, is tried again later", () => {
  expect(retriedAs("later").sort()).toEqual([
    "AccountBusy",
    "KeyNotYetActive",
    "LedgerContended",
    "ProviderGarbled",
    "ProviderThrottled",
    "ProviderUnavailable",
    "StoreUnavailable",
  ]);
});

test("only a mint can have happened without an answer: it is tried again after a look", () => {
  expect(retriedAs("afterReconcile")).toEqual(["MintOutcomeUnknown"]);
});

test("everything else needs a person or another run, and is not tried again", () => {
  const others = retriedAs("never");
  expect(others).toHaveLength(classes.length - 8);
  expect(others).toEqual(
    expect.arrayContaining(["KeyShared", "NeedsHuman", "Superseded", "VersionMoved", "StillAlive"]),
  );
});
