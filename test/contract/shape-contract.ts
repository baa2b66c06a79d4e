import type { KeyId, KeyProvider, Shape } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import type { Fault } from "../../providers/fake-faults.ts";

/** What the promises of a shape need beside the adapter. */
export interface ShapeWorld {
  readonly provider: KeyProvider;
  /** A key that is in use, made before Rekey came; for slots, the one in the first place. */
  currentKey(): { readonly keyId: KeyId; readonly secret: Secret };
  /** Disables a key at the provider; only for the shape `atMost`. */
  disable?(keyId: KeyId): void;
  listed(): readonly KeyId[];
  inject(...faults: readonly Fault[]): void;
  advance(ms: number): void;
  close?(): Promise<void>;
}

type Promises = Readonly<Record<string, (world: ShapeWorld, shape: Shape) => Promise<void>>>;

/** The promises that an adapter makes by stating its shape; each is one test. */
export function describeShape(name: string, shape: Shape, make: () => Promise<ShapeWorld>): void {
  describe(`${name}, as an issuer of the shape ${shape.kind}`, () => {
    test.each(Object.entries(promises[shape.kind]))("%s", async (_, story) => {
      const world = await make();
      try {
        await story(world, shape);
      } finally {
        await world.close?.();
      }
    });
  });
}

const name = "rekey/r-1/1";

const makesNone: Promises = {
  "a mint is a person's work, and nothing is made": async ({ provider, currentKey, listed }) => {
    const { keyId } = currentKey();
    const before = listed();
    await expect(provider.mint({ name, retiring: keyId })).rejects.toMatchObject({ name: "NeedsHuman" });
    expect(listed()).toEqual(before);
  },
};

const promises: Readonly<Record<Shape["kind"], Promises>> = {
  sideBySide: {
    "a mint leaves the key in use alone": async ({ provider, currentKey }) => {
      const { keyId, secret } = currentKey();
      const incoming = await provider.mint({ name, retiring: keyId });
      expect([await provider.verify(secret), await provider.verify(incoming.secret)]).toEqual([
        "valid",
        "valid",
      ]);
    },
  },
  atMost: {
    "a full owner gets no key, and loses none": async ({ provider, currentKey, listed }, shape) => {
      const { keyId } = currentKey();
      const keysMax = shape.kind === "atMost" ? shape.keys : 0;
      while (listed().length < keysMax) await provider.mint({ name: `rekey/r-0/${listed().length}` });
      const before = listed();
      await expect(provider.mint({ name, retiring: keyId })).rejects.toMatchObject({ name: "QuotaReached" });
      expect(listed()).toEqual(before);
    },
    "a listing says whose a key is, since when, and whether it is disabled": async (world) => {
      const { keyId } = world.currentKey();
      world.disable?.(keyId);
      const key = await world.provider.find(keyId);
      expect(key).toMatchObject({
        status: "disabled",
        owner: expect.any(String),
        createdAtMs: expect.any(Number),
      });
    },
  },
  slots: {
    "a mint ends the idle key and leaves the key in use alone": async ({ provider, currentKey, listed }) => {
      const { keyId, secret } = currentKey();
      const [idle] = listed().filter((each) => each !== keyId);
      const incoming = await provider.mint({ name, retiring: keyId });
      expect([await provider.verify(secret), await provider.verify(incoming.secret)]).toEqual([
        "valid",
        "valid",
      ]);
      expect(listed()).not.toContain(idle);
      expect([...listed()].sort()).toEqual([keyId, incoming.keyId].sort());
    },
    "a lost reply loses no key: the places are read again": async ({
      provider,
      currentKey,
      listed,
      inject,
    }) => {
      const { keyId, secret } = currentKey();
      inject({ kind: "lostReply", on: "mint" });
      const incoming = await provider.mint({ name, retiring: keyId });
      expect(await provider.verify(incoming.secret)).toBe("valid");
      expect(await provider.verify(secret)).toBe("valid");
      expect(listed()).toContain(incoming.keyId);
    },
    "a call that never arrived is unknown, and both keys are as they were": async (world) => {
      const { keyId } = world.currentKey();
      const before = world.listed();
      world.inject({ kind: "dropped", on: "mint" });
      await expect(world.provider.mint({ name, retiring: keyId })).rejects.toMatchObject({
        name: "MintOutcomeUnknown",
      });
      expect(world.listed()).toEqual(before);
    },
    "without the key in use in one of the places nothing is touched": async ({ provider, listed }) => {
      const before = listed();
      for (const retiring of [undefined, "key1:of-another-time"]) {
        const request = retiring === undefined ? { name } : { name, retiring };
        await expect(provider.mint(request)).rejects.toMatchObject({ name: "NeedsHuman" });
      }
      expect(listed()).toEqual(before);
    },
    "a key that came into the idle place since somebody looked at it is left alone": async (world) => {
      const { keyId } = world.currentKey();
      const before = world.listed();
      const displaces = "key2:of-another-time";
      await expect(world.provider.mint({ name, retiring: keyId, displaces })).rejects.toMatchObject({
        name: "ProviderUnavailable",
      });
      expect(world.listed()).toEqual(before);
    },
    "to revoke a key that its place no longer holds ends nothing": async ({ provider, currentKey }) => {
      const first = currentKey();
      const incoming = await provider.mint({ name, retiring: first.keyId });
      expect(await provider.revoke(first.keyId)).toBe("revoked");
      expect(await provider.verify(first.secret)).toBe("refused");
      const next = await provider.mint({ name, retiring: incoming.keyId });
      expect(await provider.revoke(first.keyId)).toBe("alreadyGone");
      expect(await provider.verify(next.secret)).toBe("valid");
      expect(await provider.verify(incoming.secret)).toBe("valid");
    },
    "a listing fingerprints both keys, so that their holders can be found": async ({ provider }) => {
      const keys = await provider.list();
      expect(keys.map(({ fingerprint }) => fingerprint)).toEqual(
        Array(2).fill(expect.stringMatching(/^sha256:/)),
      );
    },
  },
  clientSecret: {
    "the key has the text that was asked for, and a repeat makes no second one": async (world) => {
      const { provider } = world;
      world.currentKey();
      const secret = provider.newSecret?.() ?? new Secret("");
      const [first, again] = [await provider.mint({ name, secret }), await provider.mint({ name, secret })];
      expect([first.secret.reveal(), again.keyId]).toEqual([secret.reveal(), first.keyId]);
      expect(await provider.list({ namePrefix: name })).toHaveLength(1);
    },
    "after a lost reply the same text still asks for the same key": async ({ provider, inject }) => {
      const secret = provider.newSecret?.() ?? new Secret("");
      inject({ kind: "lostReply", on: "mint" });
      await expect(provider.mint({ name, secret })).rejects.toMatchObject({ name: "MintOutcomeUnknown" });
      const { keyId } = await provider.mint({ name, secret });
      expect(await provider.list({ namePrefix: name })).toMatchObject([{ keyId }]);
      expect(await provider.verify(secret)).toBe("valid");
    },
  },
  rotateWithGrace: {
    "both keys work until the grace is over, and then only the new one": async (world, shape) => {
      const { provider } = world;
      const { keyId, secret } = world.currentKey();
      const graceMs = shape.kind === "rotateWithGrace" ? shape.graceMs : 0;
      const incoming = await provider.mint({ name, retiring: keyId });
      expect(incoming.keyId).not.toBe(keyId);
      world.advance(graceMs - 1);
      expect([await provider.verify(secret), await provider.verify(incoming.secret)]).toEqual([
        "valid",
        "valid",
      ]);
      world.advance(1);
      expect([await provider.verify(secret), await provider.verify(incoming.secret)]).toEqual([
        "refused",
        "valid",
      ]);
      expect(await provider.revoke(keyId)).toBe("alreadyGone");
    },
  },
  assisted: makesNone,
  federated: makesNone,
  inPlace: {
    ...makesNone,
    "a revoke puts another key in its place, which contains a leak": async ({
      provider,
      currentKey,
      listed,
    }) => {
      const { keyId, secret } = currentKey();
      expect(await provider.revoke(keyId)).toBe("revoked");
      expect(await provider.verify(secret)).toBe("refused");
      expect(listed()).not.toContain(keyId);
    },
  },
};
