import { keylessText, whyNotKeyless } from "../../core/federated.ts";

test.each([
  [{ alive: [], isManaged: false, isEnding: false }, undefined],
  [{ alive: ["k1"], isManaged: true, isEnding: false }, "the live key k1:"],
  [{ alive: ["k1", "k2"], isManaged: true, isEnding: false }, "the live keys k1, k2"],
  [{ alive: [], isManaged: true, isEnding: true }, "does not know"],
  [{ alive: [], isManaged: false, isEnding: true }, "not yet proven dead"],
])("%j", (former, says) => {
  const why = whyNotKeyless({ name: "search" }, former);
  if (says === undefined) expect(why).toBeUndefined();
  else expect(why).toContain(says);
});

test("whose credentials they are is part of how it is shown", () => {
  expect(keylessText({ issuer: "openai" })).toBe("no key: short-lived credentials of openai");
});
