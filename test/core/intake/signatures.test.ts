import { createHmac } from "node:crypto";
import { Secret } from "../../../core/secret.ts";
import { signEnvelope } from "../../../events/intake/edge/signed-envelope.ts";
import { type Headers, type IntakeSource, rawRequestOf } from "../../../events/intake/edge/source.ts";
import { gitguardian } from "../../../events/intake/gitguardian.ts";
import { github } from "../../../events/intake/github.ts";
import { gitleaks } from "../../../events/intake/gitleaks.ts";
import { report } from "../../../events/intake/report.ts";
import { trufflehog } from "../../../events/intake/trufflehog.ts";
import { bytes, noon, sample, trustIn } from "./samples.ts";

const secret = "FAKE webhook secret";
const epoch = String(noon / 1000);

interface SignedSource {
  readonly source: IntakeSource;
  readonly body: Buffer;
  readonly headers: Headers;
  readonly signature: string;
}

const signed: readonly SignedSource[] = [
  signedGithub(sample("github.json")),
  signedGitguardian(sample("gitguardian.json")),
  ...[
    { source: report, body: sample("report.json") },
    { source: trufflehog, body: sample("trufflehog.ndjson") },
    { source: gitleaks, body: sample("gitleaks.json") },
  ].map(({ source, body }) => ({
    source,
    body,
    signature: "X-Rekey-Signature",
    headers: {
      "X-Rekey-Signature": signEnvelope({
        secret: new Secret(secret),
        body,
        nowMs: noon,
        nonce: "FAKEnonce-0123456",
      }),
    },
  })),
];

describe("the published vectors", () => {
  test("GitHub: the HMAC of the body", () => {
    const digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    const headers = { "X-Hub-Signature-256": `sha256=${digest}`, "X-GitHub-Delivery": "FAKE-GUID" };

    const trust = trustIn("It's a Secret to Everybody");

    expect(github.verify({ body: bytes("Hello, World!"), headers }, trust)).toBeUndefined();
    expect(github.verify({ body: bytes("Hello, World?"), headers }, trust)?.reason).toBe("SignatureWrong");
  });

  test("GitGuardian: the timestamp in front of the token is the HMAC's key", () => {
    const digest = "172fe3d694b734aa53dc892fd3b8d62163fc240064de570ba006900bb54a0fc2";
    const headers = { "Gitguardian-Signature": `sha256=${digest}`, Timestamp: "0" };

    expect(gitguardian.verify({ body: bytes("bar"), headers }, trustIn("foo", 5_000))).toBeUndefined();
    expect(gitguardian.verify({ body: bytes("baz"), headers }, trustIn("foo", 5_000))?.reason).toBe(
      "SignatureWrong",
    );
  });
});

for (const { source, body, headers, signature } of signed) {
  describe(`a request from ${source.name}`, () => {
    const verify = (changes: { body?: Buffer; headers?: Headers; secret?: string; nowMs?: number }) =>
      source.verify(
        { body: changes.body ?? body, headers: changes.headers ?? headers },
        trustIn(changes.secret ?? secret, changes.nowMs),
      )?.reason;

    test("is accepted as it was signed", () => {
      expect(verify({})).toBeUndefined();
    });

    test("is refused with any byte of the body flipped", () => {
      for (const at of [0, Math.floor(body.length / 2), body.length - 1]) {
        expect(verify({ body: flipped(body, at) })).toBe("SignatureWrong");
      }
    });

    test("is refused when the body is cut off or has more behind it", () => {
      expect(verify({ body: body.subarray(0, -1) })).toBe("SignatureWrong");
      expect(verify({ body: Buffer.concat([body, bytes(" ")]) })).toBe("SignatureWrong");
      expect(verify({ body: Buffer.alloc(0) })).toBe("SignatureWrong");
    });

    test("is refused with a digit of the signature changed", () => {
      const given = headers[signature] ?? "";
      const changed = given.slice(0, -1) + (given.endsWith("0") ? "1" : "0");
      expect(verify({ headers: { ...headers, [signature]: changed } })).toBe("SignatureWrong");
    });

    test("is refused with another secret, and with an empty one on both sides", () => {
      expect(verify({ secret: "FAKE other secret" })).toBe("SignatureWrong");
      expect(verify({ secret: "" })).toBe("SecretMissing");
    });

    test("is refused without any one of its headers", () => {
      for (const name of Object.keys(headers).filter((given) => given !== "X-GitHub-Event")) {
        expect(verify({ headers: { ...headers, [name]: undefined } })).toBe("HeaderMissing");
      }
    });

    test("is refused when a header is there twice in different case", () => {
      expect(verify({ headers: { ...headers, [signature.toUpperCase()]: headers[signature] } })).toBe(
        "HeaderMissing",
      );
    });

    test("is accepted with header names in lower and upper case", () => {
      expect(verify({ headers: renamed(headers, (name) => name.toLowerCase()) })).toBeUndefined();
      expect(verify({ headers: renamed(headers, (name) => name.toUpperCase()) })).toBeUndefined();
    });

    test("is refused with a signature of another kind, length or alphabet", () => {
      for (const odd of [
        "",
        "sha256=",
        "sha1=00",
        `sha256=${"g".repeat(64)}`,
        `sha256=${"0".repeat(65)}`,
        "t=1,n=2,v1=3",
      ]) {
        expect(verify({ headers: { ...headers, [signature]: odd } })).toBe("SignatureMalformed");
      }
    });

    test("is refused unread when the body is too large", () => {
      expect(verify({ body: Buffer.alloc(17 * 1024 * 1024) })).toBe("BodyTooLarge");
    });

    test("is checked on the bytes behind base64", () => {
      const request = rawRequestOf({ headers, body: body.toString("base64"), isBase64Encoded: true });

      expect(source.verify(request, trustIn(secret))).toBeUndefined();
      expect(
        source.verify(rawRequestOf({ headers, body: body.toString("base64") }), trustIn(secret))?.reason,
      ).toBe("SignatureWrong");
    });

    test("has the same replay keys when it is sent again, whatever the case of its headers", () => {
      const keys = source.replayKeys({ body, headers });

      expect(keys.length).toBeGreaterThan(0);
      expect(source.replayKeys({ body, headers: renamed(headers, (name) => name.toLowerCase()) })).toEqual(
        keys,
      );
    });
  });
}

for (const { source, body, headers } of signed.filter(({ source: { name } }) => name !== "github")) {
  test(`a request from ${source.name} is worth nothing a minute before or after its time`, () => {
    const reasonAt = (nowMs: number) => source.verify({ body, headers }, trustIn(secret, nowMs))?.reason;

    expect(reasonAt(noon + 60_000)).toBeUndefined();
    expect(reasonAt(noon - 60_000)).toBeUndefined();
    expect(reasonAt(noon + 60_001)).toBe("TimestampOutside");
    expect(reasonAt(noon - 60_001)).toBe("TimestampOutside");
  });
}

test("a captured signature cannot be given a later time or another nonce", () => {
  const [, , { body, headers } = signedGithub(bytes(""))] = signed;
  const header = headers["X-Rekey-Signature"] ?? "";
  for (const changed of [
    header.replace(`t=${epoch}`, `t=${Number(epoch) + 1}`),
    header.replace("n=FAKE", "n=FAKF"),
  ]) {
    expect(changed).not.toBe(header);
    const refusal = report.verify({ body, headers: { "X-Rekey-Signature": changed } }, trustIn(secret));
    expect(refusal?.reason).toBe("SignatureWrong");
  }
});

test("GitGuardian's timestamp is read as epoch seconds, with a fraction, and as ISO time", () => {
  for (const timestamp of [
    epoch,
    `${epoch}.250`,
    "2026-11-22T12:00:00Z",
    "2026-11-22T12:00:00.123456+00:00",
    "2026-11-22 12:00:00",
  ]) {
    const { body, headers } = signedGitguardian(bytes("{}"), timestamp);
    expect(gitguardian.verify({ body, headers }, trustIn(secret))).toBeUndefined();
  }
});

test("a signed timestamp that is no time is refused", () => {
  for (const timestamp of ["", "now", "1e3", "-1", "2026-13-45T99:00:00Z", "9".repeat(41)]) {
    const { body, headers } = signedGitguardian(bytes("{}"), timestamp);
    expect(gitguardian.verify({ body, headers }, trustIn(secret))?.reason).toBe("TimestampMalformed");
  }
});

test("a GitHub delivery is the same one again by its GUID or by its body", () => {
  const { body, headers } = signedGithub(sample("github.json"));
  const keys = github.replayKeys({ body, headers });
  const newGuid = github.replayKeys({ body, headers: { ...headers, "X-GitHub-Delivery": "FAKE-GUID-2" } });
  const newBody = github.replayKeys({ body: bytes("{}"), headers });

  expect(newGuid.filter((key) => keys.includes(key))).toHaveLength(1);
  expect(newBody.filter((key) => keys.includes(key))).toHaveLength(1);
});

test("a refusal never tells the signature that was expected", () => {
  for (const { source, body, headers } of signed) {
    const refusal = source.verify({ body, headers }, trustIn("FAKE other secret"));
    expect(JSON.stringify(refusal)).not.toMatch(/[0-9a-f]{32}/);
  }
});

function signedGithub(body: Buffer): SignedSource {
  const digest = createHmac("sha256", secret).update(body).digest("hex");
  return {
    source: github,
    body,
    signature: "X-Hub-Signature-256",
    headers: {
      "X-Hub-Signature-256": `sha256=${digest}`,
      "X-GitHub-Delivery": "FAKE-GUID-1",
      "X-GitHub-Event": "secret_scanning_alert",
    },
  };
}

function signedGitguardian(body: Buffer, timestamp = epoch): SignedSource {
  const digest = createHmac("sha256", timestamp + secret)
    .update(body)
    .digest("hex");
  return {
    source: gitguardian,
    body,
    signature: "Gitguardian-Signature",
    headers: { "Gitguardian-Signature": `sha256=${digest}`, Timestamp: timestamp },
  };
}

function flipped(body: Buffer, at: number): Buffer {
  const copy = Buffer.from(body);
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
}

function renamed(headers: Headers, rename: (name: string) => string): Headers {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [rename(name), value]));
}
