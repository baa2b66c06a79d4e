import { parse } from "yaml";
import { planFor } from "../../core/incident/plan.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { identifyKeys } from "../../functions/key-index/identify-key.ts";
import { type AdminWorld, adminWorld, arnOf, fileWith } from "./admin-world.ts";

const apply = async (world: AdminWorld, secrets: Readonly<Record<string, string>>) =>
  (
    await world.send({
      command: "apply",
      files: [{ path: "rekey.yml", data: parse(fileWith({ secrets })) }],
      prune: true,
    })
  ).answer;

test("a secret that was taken out is no longer rotated, which is said, and its leaked key is still known", async () => {
  const world = adminWorld();
  const [, b] = [world.secret("a"), world.secret("b")];
  expect((await apply(world, { a: "", b: "" })).outcome).toBe("applied");
  await apply(world, { a: "" });

  for (const secret of ["b", arnOf("b")]) {
    expect((await world.send({ command: "rotate", secret })).answer).toMatchObject({
      ...{ outcome: "refused", reason: "NoLongerRotated" },
      detail: "b is no longer rotated: anna took it out of the policy on 2026-11-22 12:00:00Z",
      hint: expect.stringContaining("still recognised when they leak"),
    });
  }
  const leaked = fingerprintOf(b.secret);
  const [found] = await identifyKeys({ kind: "fingerprint", values: [leaked] }, world.deps);
  expect(found).toMatchObject({ keyId: b.keyId, holders: [{ secretArn: arnOf("b") }] });
  expect(planFor({ match: "fingerprint", alerts: [], policies: [] })).toMatchObject({
    plan: "person",
    why: expect.stringContaining("removed from rekey.yml"),
  });

  await apply(world, { a: "", b: "" });
  expect((await world.send({ command: "rotate", secret: "b" })).answer.outcome).toBe("started");
});
