import { fingerprintOf, shownFor } from "../../events/fingerprint.ts";
import { alertWithoutKeys, withoutKeys } from "../../functions/key-index/without-keys.ts";
import { openIncident } from "../cli/incident-world.ts";
import { spellingsIn } from "../core/intake/samples.ts";
import { adminWorld, arnOf, fileWith } from "./admin-world.ts";

const issued = "sk-proj-FAKEfakeFAKEfakeFAKEfake0001";
const plain = "FAKEmistralKeyWithoutAnyPrefix42";

async function worldThatKnows(text: string) {
  const world = adminWorld();
  const place = { secretArn: arnOf("billing-key"), versionId: "v-1", role: "rotated" as const };
  await world.ledger.putHolder({ ...place, fingerprint: fingerprintOf(text) });
  return world;
}

test("a key of a known issuer, and one that only the index knows, are replaced wherever they stand", async () => {
  const { deps } = await worldThatKnows(plain);
  const given = { note: `saw ${issued} and "${plain}"`, where: [[`https://paste.example/?k=${plain}`]] };

  const { value, hidden } = await withoutKeys(given, deps);

  expect(value).toEqual({
    note: `saw ${shownFor(issued)} and "${shownFor(plain)}"`,
    where: [[`https://paste.example/?k=${shownFor(plain)}`]],
  });
  expect(hidden).toBe(2);
});

test("ids, addresses and words stay as they are", async () => {
  const { deps } = await worldThatKnows(plain);
  const given = {
    a: "AKIAEXAMPLEFAKE00001 in https://github.com/acme/shop/blob/f14d7debf9775f957cf4f1e8176da0786431f72b/x",
    b: arnOf("billing-key"),
  };
  expect(await withoutKeys(given, deps)).toEqual({ value: given, hidden: 0 });
});

test("an alert that names a known key where its id belongs is about that key", async () => {
  const { deps } = await worldThatKnows(plain);
  const alert = {
    ...{ schema: 1 as const, source: "report" as const, sourceId: plain, where: [] },
    ...{ exposure: "unknown" as const, verified: "unknown" as const },
    identity: { kind: "keyId" as const, provider: "mistral", keyId: plain },
  };

  const kept = await alertWithoutKeys(alert, deps);

  expect(kept.identity).toEqual({ kind: "fingerprint", values: [fingerprintOf(plain)] });
  expect(spellingsIn(kept, plain)).toEqual([]);
});

test("a text of more words than are looked up hides the rest of them", async () => {
  const { deps } = await worldThatKnows(plain);
  const words = Array.from({ length: 150 }, (_, n) => `word-number-${n}-FAKE`);

  const { value } = await withoutKeys([...words, plain], deps);

  expect(value[0]).toBe(words[0]);
  expect(value.at(-1)).toBe(shownFor(plain));
});

test.each([
  ["a note", (id: string) => `incident note ${id} --reason`, `it was ${issued}`],
  ["a page to people", (id: string) => `incident escalate ${id} --reason`, `it was ${issued}`],
])("a key in %s reaches neither table nor log, and the person is told", async (_, command, text) => {
  const { world, cli, incidentId } = await openIncident();

  const said = await cli([...command(incidentId).split(" "), text]);

  expect(said.err).toContain("a key was found in what you wrote");
  expect(spellingsIn([world.table.dump(), world.logs], issued)).toEqual([]);
  expect(JSON.stringify(world.table.dump())).toContain(shownFor(issued));
});

test("a policy file that holds a key is refused, and nothing of it is kept", async () => {
  const world = adminWorld();
  world.secret("billing-key");
  const file = { text: fileWith({ secrets: { "billing-key": "" } }), currentKeyId: issued };

  const { answer } = await world.send({ command: "apply", files: [{ path: "rekey.yml", data: file }] });

  expect(answer).toMatchObject({
    reason: "PolicyInvalid",
    detail: expect.stringContaining("looks like a key"),
  });
  expect(spellingsIn([answer, world.table.dump(), world.logs], issued)).toEqual([]);
});
