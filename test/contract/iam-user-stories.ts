import { makeFakeWorld, type Subject } from "./fake-provider-world.ts";

/** What is promised of every issuer whose keys are those of one IAM user. */
export function iamUserStories(name: string, subject: Subject): void {
  describe(`the keys of an IAM user, at ${name}`, () => {
    const mintAt = "rekey/r-1/1";

    test("a key that somebody makes by hand after a mint does not get the mint's name", async () => {
      const world = await makeFakeWorld(subject);
      const { keyId } = await world.provider.mint({ name: mintAt });
      world.addKey();
      expect((await world.provider.list({ namePrefix: mintAt })).map((key) => key.keyId)).toEqual([keyId]);
    });

    test("a key that somebody makes later than a minute after a lost mint is nobody's stray", async () => {
      const world = await makeFakeWorld(subject);
      world.inject({ kind: "dropped", on: "mint" });
      await expect(world.provider.mint({ name: mintAt })).rejects.toMatchObject({
        name: "MintOutcomeUnknown",
      });
      world.advance(2 * 60_000);
      world.addKey();
      expect(await world.provider.list({ namePrefix: mintAt })).toEqual([]);
    });

    test("of two keys that are new since a lost mint none is taken for it", async () => {
      const world = await makeFakeWorld(subject);
      world.inject({ kind: "lostReply", on: "mint" });
      await expect(world.provider.mint({ name: mintAt })).rejects.toMatchObject({
        name: "MintOutcomeUnknown",
      });
      world.addKey();
      expect(await world.provider.list({ namePrefix: mintAt })).toEqual([]);
    });

    test("a name that could not be noted after the mint costs no key", async () => {
      const world = await makeFakeWorld(subject);
      // The first note is written, the second is not.
      world.inject({ kind: "slow", ms: 0, on: "tag" }, { kind: "dropped", on: "tag" });
      const { keyId, secret } = await world.provider.mint({ name: mintAt });
      expect(await world.provider.verify(secret)).toBe("valid");
      expect(await world.provider.list({ namePrefix: mintAt })).toMatchObject([{ keyId }]);
    });

    test("a full user gets no key, and the error says whose", async () => {
      const world = await makeFakeWorld(subject);
      world.addKey();
      world.addKey();
      await expect(world.provider.mint({ name: mintAt })).rejects.toMatchObject({
        name: "QuotaReached",
        message: "the user shop-user has two keys of this kind",
      });
    });

    test("another user's keys are not asked about: the user is not there", async () => {
      const elsewhere = { ...subject, settings: { ...subject.settings, user: "nobody" } };
      const { provider } = await makeFakeWorld(elsewhere);
      await expect(provider.list()).rejects.toMatchObject({
        name: "WrongProject",
        message: "iam has no user nobody",
      });
      await expect(provider.mint({ name: mintAt })).rejects.toMatchObject({ name: "WrongProject" });
    });

    test("a key that is listed and not found when it is deleted is not taken for gone", async () => {
      const world = await makeFakeWorld(subject);
      const { keyId } = world.addKey();
      world.inject({ kind: "answer", status: 404, on: "revoke" });
      await expect(world.provider.revoke(keyId)).rejects.toMatchObject({ name: "ProviderUnavailable" });
      expect(await world.provider.quarantine({ keyId: "ACCAFAKE0000" })).toBe("cannot");
    });

    test("it asks IAM where its partition has it, signed for that Region", async () => {
      const { kind, settings } = subject;
      const hostsIn = (region: string) => kind.hosts({ ...settings, region })[0];
      expect(["eu-central-1", "cn-northwest-1", "us-gov-east-1", "eusc-de-east-1"].map(hostsIn)).toEqual([
        ...["iam.amazonaws.com", "iam.cn-north-1.amazonaws.com.cn", "iam.us-gov.amazonaws.com"],
        "iam.eusc-de-east-1.amazonaws.eu",
      ]);
    });
  });
}
