import { fingerprintOf } from "../../../events/fingerprint.ts";
import { github, githubApiBases } from "../../../events/intake/github.ts";
import { bytes, sample, sampleWith, spellingsIn } from "./samples.ts";

const headers = { "x-github-event": "secret_scanning_alert" };
const key = 'sk-proj-FAKE/FAKE+0123456789"FAKE';
const parse = (changes: object) => github.parse(sampleWith("github.json", { ...changes }), headers);
const started = () => {
  const [alert] = github.parse(sample("github.json"), headers).start;
  if (alert === undefined) throw new Error("the sample starts nothing");
  return alert;
};

test("a public leak starts an alert that only points to its place", () => {
  expect(github.parse(sample("github.json"), headers)).toEqual({
    start: [
      {
        schema: 1,
        source: "github",
        sourceId: "acme/shop#42",
        detectedAtMs: Date.parse("2026-11-22T03:00:00Z"),
        identity: { kind: "location", url: "https://github.com/acme/shop/security/secret-scanning/42" },
        exposure: "public",
        verified: "live",
        provider: "openai",
        where: ["https://github.com/acme/shop/security/secret-scanning/42"],
      },
    ],
    append: [],
    ignored: [],
  });
});

describe("what each action does", () => {
  const quiet = { publicly_leaked: false, validity: "unknown" };
  const rows: readonly (readonly [string, object, string])[] = [
    ["created", quiet, "start"],
    ["created", { ...quiet, validity: "active" }, "start"],
    ["created", { ...quiet, validity: "inactive" }, "inactive"],
    ["created", { validity: "inactive", publicly_leaked: true }, "start"],
    ["created", { ...quiet, resolution: "used_in_tests" }, "resolved"],
    ["publicly_leaked", { ...quiet, validity: "inactive" }, "start"],
    ["validated", { ...quiet, validity: "active" }, "start"],
    ["validated", { ...quiet, validity: "inactive" }, "inactive"],
    ["validated", quiet, "append"],
    ["reopened", quiet, "start"],
    ["reopened", { ...quiet, validity: "inactive" }, "inactive"],
    ["resolved", quiet, "resolved"],
    ["resolved", { resolution: "revoked" }, "resolved"],
    ["assigned", quiet, "unknownEvent"],
    ["metadata_created", quiet, "unknownEvent"],
    ["__proto__", quiet, "unknownEvent"],
  ];
  for (const [action, alert, outcome] of rows) {
    test(`${action} with ${JSON.stringify(alert)}: ${outcome}`, () => {
      const { start, append, ignored } = parse({ action, alert });
      const happened = [
        ...start.map(() => "start"),
        ...append.map(() => "append"),
        ...ignored.map(({ reason }) => reason),
      ];
      expect(happened).toEqual([outcome]);
    });
  }
});

test("exposure is public by the leak or the repository, private by the repository, else unknown", () => {
  const exposure = (isPrivate: boolean | undefined, alert = {}) =>
    parse({
      action: "created",
      alert: { publicly_leaked: false, ...alert },
      repository: { private: isPrivate },
    }).start[0]?.exposure;

  expect(exposure(true)).toBe("private");
  expect(exposure(false)).toBe("public");
  expect(exposure(undefined)).toBe("unknown");
  expect(exposure(true, { publicly_leaked: true })).toBe("public");
});

test("an alert is not lost because a field that only helps is missing or odd", () => {
  const odd = {
    html_url: 7,
    provider_slug: null,
    created_at: "yesterday",
    validity: {},
    secret_type: "stripe_api_key",
  };
  expect(parse({ action: "created", alert: { ...odd, publicly_leaked: "yes" } }).start).toMatchObject([
    {
      identity: { kind: "location", url: "acme/shop#42" },
      provider: "stripe-api-key",
      exposure: "private",
      verified: "unknown",
    },
  ]);
});

test("pings and other events start nothing", () => {
  const reasons = ["ping", "push", "secret_scanning_scan", undefined].map(
    (event) => github.parse(bytes({ zen: "FAKE" }), { "X-GitHub-Event": event }).ignored[0]?.reason,
  );
  expect(reasons).toEqual(["test", "unknownEvent", "unknownEvent", "unknownEvent"]);
});

test("a new location is appended to the alert, with its file, line and commit", () => {
  const { start, append } = github.parse(sample("github-location.json"), {
    "X-GitHub-Event": "secret_scanning_alert_location",
  });

  expect(start).toEqual([]);
  expect(append).toMatchObject([{ sourceId: "acme/shop#42" }]);
  expect(append[0]?.where[0]).toBe("deploy/.env:7 f14d7debf9775f957cf4f1e8176da0786431f72b");
});

test("a location in an issue or comment is its address", () => {
  const details = { issue_body_url: "https://api.github.com/repos/acme/shop/issues/5", html_url: 3 };
  const body = sampleWith("github-location.json", {
    location: { type: "issue_body", details: { path: null, ...details } },
  });
  const { append } = github.parse(body, { "X-GitHub-Event": "secret_scanning_alert_location" });
  expect(append[0]?.where).toContain("https://api.github.com/repos/acme/shop/issues/5");
});

test("a location event that says nothing of the place is still appended", () => {
  const body = sampleWith("github-location.json", { location: "moved" });
  expect(github.parse(body, { "X-GitHub-Event": "secret_scanning_alert_location" }).append[0]?.where).toEqual(
    [],
  );
});

describe("where the alert is fetched", () => {
  const fetchUrl = (changes: object, apiBases = githubApiBases) =>
    github.fetchUrl?.(sampleWith("github.json", { ...changes }), { apiBases });
  const url = "https://api.github.com/repos/acme/shop/secret-scanning/alerts/42";

  test("is the alert's own address at GitHub", () => {
    expect(fetchUrl({})).toBe(url);
  });

  test("is a GitHub Enterprise Server only where that is configured", () => {
    const ghes = "https://ghes.acme.test/api/v3/repos/acme/shop/secret-scanning/alerts/42";
    expect(fetchUrl({ alert: { url: ghes } })).toBeUndefined();
    expect(fetchUrl({ alert: { url: ghes } }, ["https://ghes.acme.test/api/v3"])).toBe(ghes);
    expect(
      fetchUrl({ alert: { url: url.replace("https", "http") } }, ["http://api.github.com"]),
    ).toBeUndefined();
  });

  test("is nowhere when the address names another host, repository, alert or more than that", () => {
    const addresses = [
      url.replace("api.github.com", "api.github.com.evil.test"),
      url.replace("api.github.com", "api.github.com@evil.test"),
      url.replace("api.github.com", "api.github.com:8443"),
      url.replace("https", "http"),
      url.replace("shop", "other"),
      url.replace("42", "43"),
      `${url}?redirect=1`,
      `${url}#`,
      "http://169.254.169.254/latest/meta-data/",
      undefined,
    ];
    for (const address of addresses) expect(fetchUrl({ alert: { url: address } })).toBeUndefined();
  });

  test("is nowhere when the repository's name could walk to another path", () => {
    for (const name of [
      "acme/..",
      "../acme",
      "acme/shop/../other",
      "acme",
      "acme/sh op",
      "acme/shop?x=1",
      "",
    ]) {
      const address = `https://api.github.com/repos/${name}/secret-scanning/alerts/42`;
      expect(fetchUrl({ alert: { url: address }, repository: { full_name: name } })).toBeUndefined();
    }
  });
});

describe("a fetched alert", () => {
  const fetched = (changes: object) =>
    github.parseFetched?.(started(), sampleWith("github-fetched.json", { ...changes }));

  test("names its key by fingerprint, and no longer holds it", () => {
    const outcome = fetched({});

    expect(outcome?.start[0]?.identity).toMatchObject({
      values: expect.arrayContaining([fingerprintOf(key)]),
    });
    expect(spellingsIn(outcome, key)).toEqual([]);
  });

  test("is decoded first where GitHub says that it is base64", () => {
    const binary = "FAKE\u0001binary\u0002key";
    const encoded = { secret: Buffer.from(binary).toString("base64"), is_base64_encoded: true };
    expect(fetched(encoded)?.start[0]?.identity).toMatchObject({
      values: expect.arrayContaining([fingerprintOf(binary)]),
    });
  });

  test("brings the validity of now", () => {
    expect(fetched({ validity: "inactive" })?.start[0]?.verified).toBe("dead");
    expect(fetched({ validity: undefined })?.start[0]?.verified).toBe("live");
  });

  test("without its secret stays what the webhook said", () => {
    expect(fetched({ secret: undefined })?.start).toEqual([started()]);
  });

  test("that was resolved meanwhile starts nothing", () => {
    expect(fetched({ state: "resolved" })).toMatchObject({ start: [], ignored: [{ reason: "resolved" }] });
  });

  test("of another number is refused", () => {
    expect(() => fetched({ number: 2 })).toThrow("another alert");
  });
});
