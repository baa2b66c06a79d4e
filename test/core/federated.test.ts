import { whyNotKeyless } from "../../core/federated.ts";

test.each([
  [{ alive: [], isManaged: false, isEnding: false }, undefined],
  [{ alive: ["k1", "k2"], isManaged: true, isEnding: false }, "the live keys k1, k2"],
  [{ alive: [], isManaged: true, isEnding: true }, "does not know"],
  [{ alive: [], isManaged: false, isEnding: true }, "not yet proven dead"],
])("%j", (former, says) => {
  const why = whyNotKeyless({ name: "search" }, former);
  if (says === undefined) expect(why).toBeUndefined();
  else expect(why).toContain(says);
});
