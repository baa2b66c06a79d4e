import assert from "node:assert/strict";

/** Checks the error by its name alone: services change their sentences, and code must not read them. */
export async function refused(attempt: Promise<unknown>, ...names: string[]): Promise<void> {
  const error = await attempt.then(
    () => assert.fail(`accepted, where ${names.join(" or ")} was due`),
    (cause: unknown) => cause,
  );
  if (error instanceof assert.AssertionError) throw error;
  assert.ok(
    error instanceof Error && names.includes(error.name),
    `${String(error)} is not ${names.join(" or ")}`,
  );
}
