import * as adapter from "../../providers/mistral/adapter.ts";
import { fakeWorkspace, mistralFake } from "../../providers/mistral/fake.ts";
import { mistral } from "../../providers/mistral/index.ts";
import { adminCredential, makeFakeWorld, underContract } from "./fake-provider-world.ts";
import { describeProvider } from "./provider-contract.ts";

const settings = { adminCredential, workspace: fakeWorkspace, user: "user-fake" };
const subject = { kind: mistral, adapter, fake: mistralFake, settings };
const claims = {
  capabilities: {
    shape: { kind: "sideBySide" },
    quarantine: "no",
    quarantineContains: false,
    revoke: true,
    lastUsed: true,
    usagePerKey: false,
    expiry: false,
  },
  revokeOperation: "revoke",
  skips: {
    quarantine: "mistral has no switch for a key",
    usagePerKey: "mistral tells no usage of a key",
    expiry: "an expiry is set at the mint and cannot be postponed",
  },
} as const;

describeProvider("mistral over a socket", underContract(subject, claims, { overSocket: true }));
describeProvider("mistral without a socket", underContract(subject, claims));

test("a key of another workspace is neither listed nor deleted", async () => {
  const world = await makeFakeWorld(subject);
  const { keyId, secret } = world.addKey({ more: { workspace_id: "theirs" } });
  expect(await world.provider.list()).toEqual([]);
  expect(await world.provider.revoke(keyId)).toBe("alreadyGone");
  expect(await world.provider.verify(secret)).toBe("valid");
});

test("the admin key can be sent as a bearer token", async () => {
  const world = await makeFakeWorld({ ...subject, settings: { ...settings, adminHeader: "authorization" } });
  const { keyId } = world.addKey();
  expect((await world.provider.list()).map((key) => key.keyId)).toEqual([keyId]);
});
