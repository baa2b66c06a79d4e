import type { KeyProvider, VerifyResult } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { probeDeath } from "../../functions/secret/probe-death.ts";
import { isKeyText } from "../../providers/key-text.ts";
import { providers } from "../../providers/kinds.ts";
import { neverIssuedBy } from "../../providers/never-issued.ts";
import { adminWorld, arnOf } from "./admin-world.ts";

const dead = new Secret("sk-proj-FAKEdeadFAKEdeadFAKEdead0001");
const secretArn = arnOf("billing-key");

/** A provider whose call answers like this about the live key, the revoked one and any other. */
async function probed(answers: { live: VerifyResult; revoked: VerifyResult; other: VerifyResult }) {
  const world = adminWorld();
  const { secret: live } = world.secret("billing-key");
  const { versionId } = await world.deps.store.current(secretArn);
  const keyId = "key_FAKE";
  const asked: string[] = [];
  const verify = async (key: Secret) => {
    asked.push(key.reveal());
    if (key.reveal() === live.reveal()) return answers.live;
    return key.reveal() === dead.reveal() ? answers.revoked : answers.other;
  };
  const neverIssued = () => new Secret("sk-proj-FAKEneverIssued");
  const provider = { verify, neverIssued } as Partial<KeyProvider> as KeyProvider;
  const probe = { provider, secret: dead, live: [{ secretArn, versionId, keyId }] };
  return { said: await probeDeath(probe, world.deps), asked, keyId };
}

test("a refusal counts if the live key is accepted and a key that was never issued is refused", async () => {
  const { said, asked, keyId } = await probed({ live: "valid", revoked: "refused", other: "refused" });
  expect(said).toEqual({
    answer: "refused",
    controls: { neverIssued: "refused", accepted: { keyId, answer: "valid" } },
  });
  expect(new Set(asked).size).toBe(3);
});

test.each([
  ["an outage that refuses every key", { live: "refused", revoked: "refused", other: "refused" }],
  ["a firewall that answers nothing clear", { live: "inconclusive", revoked: "refused", other: "refused" }],
  ["a path at which unknown keys are accepted", { live: "valid", revoked: "refused", other: "valid" }],
  ["a call that tells nothing of unknown keys", { live: "valid", revoked: "refused", other: "inconclusive" }],
] as const)("%s certifies no death", async (_, answers) => {
  expect((await probed(answers)).said).toMatchObject({ answer: "inconclusive", controls: {} });
});

test("a key that is accepted is alive, and no other key is asked for", async () => {
  const { said, asked } = await probed({ live: "valid", revoked: "notPermitted", other: "refused" });
  expect([said, asked]).toEqual([{ answer: "notPermitted" }, [dead.reveal()]]);
});

test("where no live key can be read, a key that was never issued is control enough, and the record says so", async () => {
  const { deps } = adminWorld();
  const provider = {
    verify: async () => "refused",
    neverIssued: () => new Secret("sk-proj-FAKEneverIssued"),
  } as Partial<KeyProvider> as KeyProvider;
  const live = [{ secretArn: arnOf("gone"), versionId: "v-1", keyId: "key_FAKE" }];
  expect(await probeDeath({ provider, secret: dead, live }, deps)).toEqual({
    answer: "refused",
    controls: { neverIssued: "refused" },
  });
});

/** What is declared, or made by somebody's own function, may look like anything: the test below is about these. */
const areOfAnyForm = ["http", "lambda"];

test.each(Object.values(providers).map((kind) => [kind.kind, kind] as const))(
  "%s says how a key looks that it never issued, and it is obviously fake",
  (name, kind) => {
    if (areOfAnyForm.includes(name)) return;
    const text = neverIssuedBy(kind, {})(dead).reveal();
    expect(text).toMatch(/FAKE|fa4e/);
    if (typeof kind.neverIssued === "string") expect(text).toBe(kind.neverIssued);
    else expect(isKeyText(text, kind.keyTexts)).toBe(true);
  },
);

test("a declared provider that states no form gets the refused key's own, with other letters and digits", () => {
  const neverIssued = neverIssuedBy({ keyTexts: [] }, {});
  const form = (text: string) => text.replace(/[a-z]/g, "a").replace(/[A-Z]/g, "A").replace(/\d/g, "0");
  for (const text of ["sk-proj-FAKEdeadFAKE0001", "id-FAKE:secret/FAKE+01==", "FAKE0001"]) {
    const other = neverIssued(new Secret(text)).reveal();
    expect(other).not.toBe(text);
    expect(form(other)).toBe(form(text));
    expect(neverIssued(new Secret(text)).reveal()).toBe(other);
  }
});
