import type { AdoptionView } from "../../../core/adoption/adoption.ts";
import {
  account,
  attestation,
  consumer,
  incoming,
  lagMs,
  minute,
  nowMs,
  provider,
  quietMs,
  read,
  reasonsOf,
  report,
  restart,
  retiring,
  role,
  said,
  second,
  use,
  view,
  withConsumers,
} from "./adoption-world.ts";

const unknown = { fingerprint: "sha256:FAKE-9", versionId: "v9" };
type Row = readonly [name: string, asked: AdoptionView, expected: readonly string[]];

test("a consumer whose live instances hold the incoming key has adopted it once the retiring key is quiet", () => {
  expect(said(view())).toEqual(["adopted"]);
});

describe("what an instance says", () => {
  const only = (...reports: readonly ReturnType<typeof report>[]) => withConsumers([consumer()], reports);
  const stale = 5 * minute;
  const onRetiring = { holds: retiring } as const;

  const rows: readonly Row[] = [
    [
      "one on the retiring key is behind",
      only(report(onRetiring)),
      ["waiting", "HoldsRetiringKey billing i1 by client"],
    ],
    [
      "one behind is enough, however many have moved",
      only(report(), report({ instance: "i2", ...onRetiring }), report({ instance: "i3" })),
      ["waiting", "HoldsRetiringKey billing i2 by client"],
    ],
    [
      "one on an older key is behind",
      only(report({ holds: unknown })),
      ["waiting", "HoldsUnknownKey billing i1 by client"],
    ],
    [
      "a silent one on the retiring key counts until the key must be stale",
      only(report(), report({ instance: "i2", ...onRetiring, observedAtMs: nowMs - stale })),
      ["waiting", "HoldsRetiringKey billing i2 by client"],
    ],
    [
      "a silent one whose key must be stale has ended",
      only(report(), report({ instance: "i2", ...onRetiring, observedAtMs: nowMs - stale - 1 })),
      ["adopted"],
    ],
    [
      "its own word may lengthen that time",
      only(
        report(),
        report({ instance: "i2", ...onRetiring, observedAtMs: nowMs - stale - 1, maxStaleMs: stale + 1 }),
      ),
      ["waiting", "HoldsRetiringKey billing i2 by client"],
    ],
    [
      "one that ended is not waited for",
      only(report(), report({ instance: "i2", ...onRetiring, ended: true })),
      ["adopted"],
    ],
    [
      "all ended is nobody, and that is unknown",
      only(report({ ended: true })),
      ["waiting", "NoLiveInstance billing by client"],
    ],
    ["nobody is unknown, not adopted", only(), ["waiting", "NoLiveInstance billing by client"]],
    [
      "one that moved is believed until it says that it ends",
      only(report({ observedAtMs: second })),
      ["adopted"],
    ],
    [
      "one that held the incoming key before the promotion is not believed for ever",
      only(report({ observedAtMs: -minute })),
      ["waiting", "NoLiveInstance billing by client"],
    ],
  ];
  test.each(rows)("%s", (_name, asked, expected) => expect(said(asked)).toEqual(expected));

  test("an instance last heard before the promotion may have fetched the retiring key just before it", () => {
    const asked = {
      ...only(report(), report({ instance: "i2", ...onRetiring, observedAtMs: -minute })),
      nowMs: stale,
    };
    expect(said(asked)).toEqual(["waiting", "HoldsRetiringKey billing i2 by client"]);
    expect(said({ ...asked, nowMs: stale + 1 })).toEqual(["adopted"]);
  });

  test("a report from another name, environment or account is not this consumer's", () => {
    for (const elsewhere of [
      { consumer: "search" },
      { environment: "staging" },
      { account: "999900001111" },
    ]) {
      expect(said(only(report(elsewhere)))).toEqual(["waiting", "NoLiveInstance billing by client"]);
    }
  });

  test("what the extension says does not stand in for the client that the policy names, but can hold it up", () => {
    expect(said(only(report({ kind: "extension" })))).toEqual([
      "waiting",
      "NoLiveInstance billing by client",
    ]);
    expect(said(only(report(), report({ kind: "extension", instance: "i2", ...onRetiring })))).toEqual([
      "waiting",
      "HoldsRetiringKey billing i2 by extension",
    ]);
  });

  test("an age is never negative, however the clocks stand", () => {
    const [reason] = reasonsOf(only(report({ ...onRetiring, observedAtMs: nowMs + minute })));
    expect(reason).toMatchObject({ reason: "HoldsRetiringKey", agoMs: 0 });
  });
});

describe("use of the retiring key by an instance that has moved", () => {
  const asked = (agoMs: number, signals: AdoptionView["policy"]["signals"] = ["client"]) =>
    view({
      policy: { signals },
      evidence: [report({ uses: [use(retiring, [agoMs, null])] })],
    });

  test("holds up until the quiet window since the last use is over, and says how long that is", () => {
    expect(said(asked(quietMs - 2 * second))).toEqual([
      "waiting",
      "RetiringKeyStillUsed billing i1 by client",
    ]);
    expect(reasonsOf(asked(quietMs - 2 * second))[0]).toMatchObject({
      agoMs: quietMs - second,
      remainingMs: second,
    });
    expect(said(asked(quietMs - second))).toEqual(["adopted"]);
  });

  test("is not asked about where the policy does not name the client as a signal", () => {
    expect(
      said(
        view({
          policy: { signals: [], quietMs: 0 },
          evidence: [report({ uses: [use(retiring, [0, null])] })],
        }),
      ),
    ).toEqual(["adopted"]);
  });

  test("a refusal alone is no use", () => {
    const tried = report({ uses: [use(retiring, [null, 0])] });
    expect(said(view({ policy: { signals: ["client"] }, evidence: [tried] }))).toEqual(["adopted"]);
  });
});

describe("a batch", () => {
  const batch = consumer({ cadenceMs: 60 * minute });
  const used = [use(incoming, [second, null])];

  const rows: readonly Row[] = [
    [
      "is behind until a run has used the incoming key",
      withConsumers([batch], []),
      ["waiting", "NoLiveInstance billing by client"],
    ],
    [
      "whose run only held the incoming key is behind",
      withConsumers([batch], [report({ ended: true })]),
      ["waiting", "NoLiveInstance billing by client"],
    ],
    [
      "whose run used the incoming key has adopted it",
      withConsumers([batch], [report({ ended: true, uses: used })]),
      ["adopted"],
    ],
    ["that runs right now has adopted it by holding it", withConsumers([batch], [report()]), ["adopted"]],
    [
      "under `rekey exec` has adopted it when a run has begun with it",
      withConsumers(
        [consumer({ cadenceMs: 60 * minute, evidence: ["exec"] })],
        [report({ kind: "exec", ended: true })],
      ),
      ["adopted"],
    ],
    [
      "under `rekey exec` is waited for after a run with the retiring key",
      withConsumers(
        [consumer({ cadenceMs: 60 * minute, evidence: ["exec"] })],
        [report({ kind: "exec", ended: true, holds: retiring })],
      ),
      ["waiting", "NoLiveInstance billing by exec"],
    ],
    [
      "on a platform is behind until an instance was seen to run",
      withConsumers([consumer({ cadenceMs: 60 * minute, evidence: ["ecs"] })], [restart({ instances: 0 })]),
      ["waiting", "NoLiveInstance billing by ecs"],
    ],
  ];
  test.each(rows)("%s", (_name, asked, expected) => expect(said(asked)).toEqual(expected));
});

describe("a restart", () => {
  const on = (...evidence: readonly ReturnType<typeof restart>[]) =>
    withConsumers([consumer({ evidence: ["ecs"] })], evidence);

  const rows: readonly Row[] = [
    ["that has finished is adoption", on(restart()), ["adopted"]],
    ["nobody knows of is not", on(), ["waiting", "NotRestarted billing by ecs"]],
    [
      "for another version is not",
      on(restart({ versionId: "v1" })),
      ["waiting", "NotRestarted billing by ecs"],
    ],
    [
      "on another platform is not",
      on(restart({ kind: "lambda" })),
      ["waiting", "NotRestarted billing by ecs"],
    ],
    [
      "in another account is not",
      on(restart({ account: "999900001111" })),
      ["waiting", "NotRestarted billing by ecs"],
    ],
    [
      "that is under way is not",
      on(restart({ state: "running" })),
      ["waiting", "NotRestarted billing by ecs"],
    ],
    ["that failed is not", on(restart({ state: "failed" })), ["waiting", "RestartFailed billing by ecs"]],
    [
      "that left no instance is unknown",
      on(restart({ instances: 0 })),
      ["waiting", "NoLiveInstance billing by ecs"],
    ],
    [
      "of each kind is asked for where the policy names it",
      withConsumers([consumer({ evidence: ["lambda", "kubernetes"] })], [restart({ kind: "kubernetes" })]),
      ["waiting", "NotRestarted billing by lambda"],
    ],
  ];
  test.each(rows)("%s", (_name, asked, expected) => expect(said(asked)).toEqual(expected));

  test("says what the platform said, and how long only time is missing", () => {
    const [told] = reasonsOf(on(restart({ state: "running", detail: "draining", remainingMs: minute })));
    expect(told).toMatchObject({ detail: "draining", agoMs: second, remainingMs: minute - second });
    const [late] = reasonsOf(on(restart({ state: "running", remainingMs: 1 })));
    expect(late).toMatchObject({ remainingMs: 0 });
    const [usual] = reasonsOf(on(restart({ state: "failed" })));
    expect(usual?.detail).toBe("its restart failed or was rolled back");
    expect(usual?.remainingMs).toBeUndefined();
  });
});

describe("access records", () => {
  const readsOnly = consumer({ evidence: ["kms"], roles: [role] });
  const all = (...evidence: readonly ReturnType<typeof read>[]) => withConsumers([readsOnly], evidence);
  const late = (ms: number) => ({ ...all(read({ observedAtMs: second })), nowMs: ms });

  const rows: readonly Row[] = [
    ["of the incoming version by its role are adoption", all(read()), ["adopted"]],
    ["there are none", all(), ["waiting", "NotRead billing by kms"]],
    [
      "of the retiring version before the promotion say nothing",
      all(read({ versionId: "v1", observedAtMs: 0 })),
      ["waiting", "NotRead billing by kms"],
    ],
    [
      "of the retiring version after the promotion hold it up, whatever else was read",
      all(read(), read({ versionId: "v1" })),
      ["waiting", "MayHoldRetiringVersion billing by kms"],
    ],
    [
      "that are older than what is kept of a read are over",
      all(read(), read({ versionId: "v1", observedAtMs: nowMs - 5 * minute })),
      ["adopted"],
    ],
    [
      "by another role are not its own",
      all(read({ principal: `${role}-2` })),
      ["waiting", "NotRead billing by kms"],
    ],
    [
      "from another environment are not its own",
      all(read({ environment: "staging" })),
      ["waiting", "NotRead billing by kms"],
    ],
    [
      "of the retiring version hold up a consumer that reports, too",
      withConsumers([consumer({ roles: [role] })], [report(), read({ versionId: "v1" })]),
      ["waiting", "MayHoldRetiringVersion billing by kms"],
    ],
    [
      "do not make a consumer that also reports wait for caches it tells about",
      {
        ...withConsumers(
          [consumer({ evidence: ["client", "kms"], roles: [role] })],
          [report({ observedAtMs: 1 }), read({ observedAtMs: 1 })],
        ),
        nowMs: 2,
      },
      ["adopted"],
    ],
    [
      "do not make one with the extension wait either",
      {
        ...withConsumers(
          [consumer({ evidence: ["extension", "kms"], roles: [role] })],
          [report({ kind: "extension", observedAtMs: 1 }), read({ observedAtMs: 1 })],
        ),
        nowMs: 2,
      },
      ["adopted"],
    ],
  ];
  test.each(rows)("%s", (_name, asked, expected) => expect(said(asked)).toEqual(expected));

  test("where only they testify, one instance's read says nothing about another's cache", () => {
    expect(said(late(5 * minute - 1))).toEqual(["waiting", "MayHoldRetiringVersion billing by kms"]);
    expect(reasonsOf(late(4 * minute))[0]).toMatchObject({ remainingMs: minute });
    expect(said(late(5 * minute))).toEqual(["adopted"]);
  });

  test("an unknown role that still reads the retiring version contradicts until somebody declares it", () => {
    const stranger = `arn:aws:iam::${account}:role/stranger`;
    const evidence = [report(), read({ consumer: "role/stranger", principal: stranger, versionId: "v1" })];
    const asked = withConsumers([consumer()], evidence);
    expect(said(asked)).toEqual(["contradicted", "UndeclaredConsumer role/stranger by kms"]);
    expect(reasonsOf(asked)[0]?.detail).toContain(stranger);

    const declared = consumer({
      name: "stranger",
      evidence: ["attestation"],
      roles: [stranger],
      maxStaleMs: 0,
    });
    expect(said(withConsumers([consumer(), declared], evidence))).toEqual([
      "waiting",
      "NotAttested stranger by attestation",
    ]);
  });

  test("an unknown role that read the incoming version, or the retiring one before the promotion, does not", () => {
    const principal = `${role}-2`;
    const evidence = [report(), read({ principal }), read({ principal, versionId: "v1", observedAtMs: 0 })];
    expect(said(withConsumers([consumer()], evidence))).toEqual(["adopted"]);
  });
});

describe("an attestation", () => {
  const word = (...evidence: readonly ReturnType<typeof attestation>[]) =>
    withConsumers([consumer({ evidence: ["attestation"] })], evidence);

  const rows: readonly Row[] = [
    ["is enough where the policy names it", word(attestation()), ["adopted"]],
    ["is waited for", word(), ["waiting", "NotAttested billing by attestation"]],
    [
      "for another version is none",
      word(attestation({ versionId: "v1" })),
      ["waiting", "NotAttested billing by attestation"],
    ],
    [
      "for another consumer is none",
      word(attestation({ consumer: "search" })),
      ["waiting", "NotAttested billing by attestation"],
    ],
    [
      "from before the promotion is none",
      word(attestation({ observedAtMs: -1 })),
      ["waiting", "NotAttested billing by attestation"],
    ],
    [
      "that has expired is none",
      word(attestation({ expiresAtMs: nowMs })),
      ["waiting", "NotAttested billing by attestation"],
    ],
    ["that has not expired is one", word(attestation({ expiresAtMs: nowMs + 1 })), ["adopted"]],
    [
      "does not outweigh what an instance says",
      withConsumers([consumer({ evidence: ["attestation"] })], [attestation(), report({ holds: retiring })]),
      ["waiting", "HoldsRetiringKey billing i1 by client"],
    ],
    [
      "does not stand in for evidence that the policy wants as well",
      withConsumers([consumer({ evidence: ["client", "attestation"] })], [attestation()]),
      ["waiting", "NoLiveInstance billing by client"],
    ],
  ];
  test.each(rows)("%s", (_name, asked, expected) => expect(said(asked)).toEqual(expected));

  test("that is missing or expired is asked for by its command", () => {
    expect(reasonsOf(word())[0]?.detail).toBe("needs an attestation: rekey attest <secret> billing");
    expect(reasonsOf(word(attestation({ expiresAtMs: 0 })))[0]?.detail).toContain("has expired");
  });
});

describe("where use of the incoming key is demanded", () => {
  const demanding = consumer({ demandUse: true });
  const used = report({ uses: [use(incoming, [second, null])] });
  const byPlatform = consumer({ demandUse: true, evidence: ["ecs"] });
  const seenBy = (incomingUse: NonNullable<ReturnType<typeof provider>["incoming"]>) =>
    withConsumers([byPlatform], [restart(), provider({ incoming: incomingUse })]);

  const rows: readonly Row[] = [
    [
      "holding it is not enough",
      withConsumers([demanding], [report()]),
      ["waiting", "IncomingKeyUnused billing by client"],
    ],
    [
      "one use by one instance is",
      withConsumers([demanding], [report({ instance: "i2" }), used]),
      ["adopted"],
    ],
    [
      "the extension's word counts for one with the extension",
      withConsumers(
        [consumer({ demandUse: true, evidence: ["extension"] })],
        [report({ kind: "extension" })],
      ),
      ["waiting", "IncomingKeyUnused billing by extension"],
    ],
    [
      "a consumer that cannot report is asked for at the provider",
      withConsumers([byPlatform], [restart()]),
      ["waiting", "IncomingKeyUnused billing by provider"],
    ],
    [
      "a provider that never saw it used says so",
      seenBy({ keyId: "k2", seenAtMs: nowMs }),
      ["waiting", "IncomingKeyUnused billing by provider"],
    ],
    [
      "a provider that speaks of another key says nothing",
      seenBy({ keyId: "k9", seenAtMs: nowMs, lastUsedAtMs: nowMs }),
      ["waiting", "IncomingKeyUnused billing by provider"],
    ],
    [
      "Rekey's own proof before the promotion is no use",
      seenBy({ keyId: "k2", seenAtMs: nowMs, lastUsedAtMs: 0 }),
      ["waiting", "IncomingKeyUnused billing by provider"],
    ],
    [
      "a later use at the provider is",
      seenBy({ keyId: "k2", seenAtMs: nowMs, lastUsedAtMs: 1 }),
      ["adopted"],
    ],
    [
      "the provider's clock is compared with itself",
      seenBy({ keyId: "k2", seenAtMs: nowMs + 15 * minute, lastUsedAtMs: 15 * minute }),
      ["waiting", "IncomingKeyUnused billing by provider"],
    ],
  ];
  test.each(rows)("%s", (_name, asked, expected) => expect(said(asked)).toEqual(expected));
});

test("a policy that names no consumer says nothing about who has moved", () => {
  expect(said(withConsumers([], [report()]))).toEqual(["waiting", "ConsumersUnknown by policy"]);
});

describe("contradictions", () => {
  const refused = (success: number | null, refusal: number) =>
    report({ uses: [use(incoming, [success, refusal])] });

  const rows: readonly Row[] = [
    [
      "an instance that is refused with the incoming key is one",
      withConsumers([consumer()], [refused(null, second)]),
      ["contradicted", "IncomingKeyRefused billing i1 by client"],
    ],
    [
      "so is one that worked before it was refused",
      withConsumers([consumer()], [refused(2 * second, second)]),
      ["contradicted", "IncomingKeyRefused billing i1 by client"],
    ],
    [
      "one that has worked since is none",
      withConsumers([consumer()], [refused(second, 2 * second)]),
      ["adopted"],
    ],
    [
      "one that has been silent for longer than any key is kept has ended",
      withConsumers(
        [consumer()],
        [report(), { ...refused(null, 0), instance: "i2", observedAtMs: nowMs - 5 * minute - 1 }],
      ),
      ["adopted"],
    ],
    [
      "one that ended is none",
      withConsumers([consumer()], [report(), { ...refused(null, 0), instance: "i2", ended: true }]),
      ["adopted"],
    ],
    [
      "a stranger's refusal is nobody's",
      withConsumers([consumer()], [report(), { ...refused(null, 0), consumer: "stranger" }]),
      ["adopted"],
    ],
    [
      "a stranger on the retiring key is one",
      withConsumers([consumer()], [report(), report({ consumer: "stranger", holds: retiring })]),
      ["contradicted", "UndeclaredConsumer stranger i1 by client"],
    ],
    [
      "the same name in another environment is a stranger, however loudly it reports",
      withConsumers(
        [consumer()],
        [report(), report({ environment: "staging", instance: "i2", holds: retiring })],
      ),
      ["contradicted", "UndeclaredConsumer billing i2 by client"],
    ],
    [
      "a stranger on the incoming key is none",
      withConsumers([consumer()], [report(), report({ consumer: "stranger" })]),
      ["adopted"],
    ],
    [
      "a secret that nobody should use has strangers only",
      view({
        policy: { consumers: "none", signals: [], quietMs: 0 },
        evidence: [report({ holds: retiring })],
      }),
      ["contradicted", "UndeclaredConsumer billing i1 by client"],
    ],
    [
      "they come first, and what is missing comes with them",
      withConsumers([consumer()], [report({ consumer: "stranger", holds: retiring })]),
      ["contradicted", "UndeclaredConsumer stranger i1 by client", "NoLiveInstance billing by client"],
    ],
  ];
  test.each(rows)("%s", (_name, asked, expected) => expect(said(asked)).toEqual(expected));

  test("an undeclared program's own report does not shorten the wait for it", () => {
    const at = (ms: number) => ({
      ...withConsumers(
        [consumer()],
        [report({ observedAtMs: 1 }), report({ consumer: "x", holds: retiring, observedAtMs: 1 })],
      ),
      nowMs: ms,
    });
    expect(said(at(15 * minute + 1))[0]).toBe("contradicted");
    expect(said(at(15 * minute + 2))[0]).toBe("adopted");
  });
});

describe("the retiring key's use at the provider", () => {
  const seen = (fields: NonNullable<ReturnType<typeof provider>["retiring"]>) =>
    view({ evidence: [report(), provider({ retiring: fields })] });
  const none = view({ policy: { consumers: "none", signals: [] }, evidence: [] });

  const rows: readonly Row[] = [
    [
      "is quiet when the last use is older than window and lag together",
      seen({ keyId: "k1", seenAtMs: nowMs, lastUsedAtMs: nowMs - quietMs - lagMs }),
      ["adopted"],
    ],
    [
      "is not quiet one moment earlier",
      seen({ keyId: "k1", seenAtMs: nowMs, lastUsedAtMs: nowMs - quietMs - lagMs + 1 }),
      ["waiting", "RetiringKeyStillUsed by provider"],
    ],
    [
      "in steady use never looks quiet, however late the provider is",
      seen({ keyId: "k1", seenAtMs: nowMs, lastUsedAtMs: nowMs - lagMs - second }),
      ["waiting", "RetiringKeyStillUsed by provider"],
    ],
    [
      "is measured on the provider's own clock",
      seen({ keyId: "k1", seenAtMs: -60 * minute, lastUsedAtMs: -60 * minute - quietMs }),
      ["waiting", "RetiringKeyStillUsed by provider"],
    ],
    ["was never seen", seen({ keyId: "k1", seenAtMs: nowMs }), ["adopted"]],
    ["was counted, and there was none", seen({ keyId: "k1", seenAtMs: nowMs, requests: 0 }), ["adopted"]],
    [
      "was counted, and there was some",
      seen({ keyId: "k1", seenAtMs: nowMs, requests: 3 }),
      ["waiting", "RetiringKeyStillUsed by provider"],
    ],
    [
      "is unknown when the provider spoke of another key",
      seen({ keyId: "k0", seenAtMs: nowMs }),
      ["waiting", "ProviderSilent by provider"],
    ],
    [
      "is unknown when the provider said nothing of it",
      view({ evidence: [report(), { kind: "provider", observedAtMs: nowMs, lagMs }] }),
      ["waiting", "ProviderSilent by provider"],
    ],
    [
      "is unknown when the provider was not asked",
      view({ evidence: [report()] }),
      ["waiting", "ProviderSilent by provider"],
    ],
    ["is not asked where nobody uses the key and no signal is named", none, ["adopted"]],
    [
      "is asked where nobody should use the key",
      view({ policy: { consumers: "none", signals: ["provider"] }, evidence: [provider()] }),
      ["adopted"],
    ],
  ];
  test.each(rows)("%s", (_name, asked, expected) => expect(said(asked)).toEqual(expected));

  test("needs the window to have passed since the promotion, and the provider's lag on top", () => {
    const fresh = provider({ retiring: { keyId: "k1", seenAtMs: nowMs } });
    const at = (ms: number, evidence = [report({ observedAtMs: 0 }), fresh]) => view({ nowMs: ms, evidence });
    expect(said(at(quietMs + lagMs - 1))).toEqual(["waiting", "QuietWindowOpen by policy"]);
    expect(reasonsOf(at(quietMs))[0]).toMatchObject({ remainingMs: lagMs });
    expect(said(at(quietMs + lagMs))).toEqual(["adopted"]);
    const { lagMs: _none, ...onTime } = fresh;
    expect(said(at(quietMs, [report({ observedAtMs: 0 }), onTime as typeof fresh]))).toEqual(["adopted"]);
    const unasked = view({
      nowMs: quietMs,
      policy: { signals: ["client"] },
      evidence: [report({ observedAtMs: 0 })],
    });
    expect(said(unasked)).toEqual(["adopted"]);
  });

  test("leaves the window shut since the promotion wherever somebody uses the key, or a signal is named", () => {
    const early = (policy: Partial<AdoptionView["policy"]>, evidence: AdoptionView["evidence"]) =>
      said(view({ nowMs: second, policy, evidence }));
    const fresh = report({ observedAtMs: 0 });
    const open = ["waiting", "QuietWindowOpen by policy"];
    expect(early({ signals: [] }, [fresh])).toEqual(open);
    expect(early({ signals: ["client"] }, [fresh])).toEqual(open);
    const quiet = provider({ retiring: { keyId: "k1", seenAtMs: nowMs } });
    expect(early({ consumers: "none", signals: ["provider"] }, [quiet])).toEqual(open);
    expect(early({ consumers: "none", signals: [] }, [])).toEqual(["adopted"]);
  });

  test("says what was seen of it", () => {
    const details = (asked: AdoptionView) => reasonsOf(asked).map(({ detail }) => detail);
    const used = { keyId: "k1", seenAtMs: nowMs };
    expect(details(seen({ ...used, requests: 3 }))).toEqual(["the provider counted 3 requests with it"]);
    expect(details(seen({ ...used, lastUsedAtMs: nowMs }))).toEqual(["the provider saw it used"]);
    expect(details(view({ evidence: [report()] }))).toEqual([
      "the provider has not said when the retiring key was last used",
    ]);
    expect(
      details(view({ nowMs: 0, policy: { signals: [] }, evidence: [report({ observedAtMs: 0 })] })),
    ).toEqual(["the quiet window since the promotion is still open"]);
  });
});

describe("what a person reads", () => {
  const demanding = consumer({ demandUse: true });
  const batch = consumer({ cadenceMs: 60 * minute });
  const readsOnly = consumer({ evidence: ["kms"], roles: [role] });
  const platform = (kind: "ecs" | "lambda" | "kubernetes") =>
    withConsumers([consumer({ evidence: [kind] })], [restart({ kind, instances: 0 })]);
  const noInstance = "has no live instance: start one, declare its cadence, or remove it from the policy";

  test.each<[AdoptionView, string]>([
    [withConsumers([consumer()], [report({ holds: retiring })]), "still holds the retiring key"],
    [
      withConsumers([consumer()], [report({ holds: unknown })]),
      "holds neither the retiring nor the incoming key",
    ],
    [
      view({ policy: { signals: ["client"] }, evidence: [report({ uses: [use(retiring, [0, null])] })] }),
      "used the retiring key",
    ],
    [withConsumers([], []), "the policy names no consumer, so nobody knows who uses the retiring key"],
    [withConsumers([batch], []), "has not run with the incoming key yet"],
    [withConsumers([consumer()], [report({ ended: true })]), noInstance],
    [platform("ecs"), noInstance],
    [platform("lambda"), noInstance],
    [platform("kubernetes"), noInstance],
    [
      withConsumers([consumer()], [report({ kind: "extension" })]),
      "has not reported yet: a running instance does within the hour; otherwise start one, or check its report bus",
    ],
    [
      withConsumers([consumer({ evidence: ["agent"] })], []),
      "has not reported yet: a running instance does within the hour; otherwise start one, or check its report bus",
    ],
    [
      withConsumers([consumer({ evidence: ["ecs"] })], []),
      "ecs has no evidence yet that its instances were replaced since the promotion",
    ],
    [
      withConsumers([consumer({ evidence: ["ecs"] })], [restart({ state: "running" })]),
      "its instances have not all been replaced since the promotion",
    ],
    [withConsumers([readsOnly], []), "has not read the incoming version"],
    [
      { ...withConsumers([readsOnly], [read({ observedAtMs: 1 })]), nowMs: minute },
      "may still use what it read before the promotion",
    ],
    [
      withConsumers([readsOnly], [read(), read({ versionId: "v1" })]),
      "read the retiring version after the promotion",
    ],
    [withConsumers([demanding], [report()]), "has not used the incoming key yet"],
    [
      withConsumers([consumer()], [report({ uses: [use(incoming, [null, 1])] })]),
      "was refused with the incoming key and has not been accepted since",
    ],
    [
      withConsumers([consumer()], [report(), report({ consumer: "else", holds: retiring })]),
      "holds the retiring key, but no policy declares it in production of 111122223333",
    ],
    [
      withConsumers([consumer()], [report(), report({ unproven: "jump", sequence: 9_999, jumpedFrom: 5 })]),
      "two report as i1: one is at report 5, the other says it is at 9999",
    ],
  ])("%#: %s", (asked, detail) => {
    expect(reasonsOf(asked)[0]?.detail).toBe(detail);
  });
});

describe("what says nothing", () => {
  test("a read of the retiring version before the promotion, by a consumer that reports its caches", () => {
    const asked = {
      ...withConsumers(
        [consumer({ roles: [role] })],
        [report({ observedAtMs: 0 }), read({ versionId: "v1", observedAtMs: -1 })],
      ),
      nowMs: minute,
    };
    expect(said(asked)).toEqual(["adopted"]);
    const atPromotion = {
      ...asked,
      evidence: [report({ observedAtMs: 0 }), read({ versionId: "v1", observedAtMs: 0 })],
    };
    expect(said(atPromotion)).toEqual(["adopted"]);
  });

  test("a role that no policy names, for a consumer without roles", () => {
    const asked = withConsumers([consumer({ evidence: ["kms"] })], [read()]);
    expect(said(asked)).toEqual(["waiting", "NotRead billing by kms"]);
  });

  test("a restart, where the policy wants a person's word", () => {
    const asked = withConsumers([consumer({ evidence: ["attestation"] })], [restart()]);
    expect(said(asked)).toEqual(["waiting", "NotAttested billing by attestation"]);
  });

  test("a run that has ended, of a consumer that is no batch", () => {
    const ended = report({ ended: true, uses: [use(incoming, [second, null])] });
    expect(said(withConsumers([consumer()], [ended]))).toEqual([
      "waiting",
      "NoLiveInstance billing by client",
    ]);
  });

  test("the provider of use, where it speaks of the retiring key only", () => {
    const byPlatform = consumer({ demandUse: true, evidence: ["ecs"] });
    expect(said(withConsumers([byPlatform], [restart(), provider()]))).toEqual([
      "waiting",
      "IncomingKeyUnused billing by provider",
    ]);
  });
});

test("a person's word and a report count from the moment of the promotion on", () => {
  const byWord = consumer({ evidence: ["attestation"] });
  expect(said(withConsumers([byWord], [attestation({ observedAtMs: 0 })]))).toEqual(["adopted"]);
  expect(said(withConsumers([consumer()], [report({ observedAtMs: 0 })]))).toEqual(["adopted"]);
});

test("an instance that was accepted and refused at once has to be looked at", () => {
  const torn = report({ uses: [use(incoming, [second, second])] });
  expect(said(withConsumers([consumer()], [torn]))).toEqual([
    "contradicted",
    "IncomingKeyRefused billing i1 by client",
  ]);
});

test("a stranger's read says how long ago it was, and never a time to come", () => {
  const stranger = (observedAtMs: number) =>
    reasonsOf(
      withConsumers([consumer()], [report(), read({ principal: "r", versionId: "v1", observedAtMs })]),
    );
  expect(stranger(nowMs - minute)[0]).toMatchObject({ agoMs: minute });
  expect(stranger(nowMs + minute)[0]).toMatchObject({ agoMs: 0 });
});
