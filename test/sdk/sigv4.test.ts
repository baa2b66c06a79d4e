import { createHash, createHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import fc from "fast-check";
import { type Signable, sign } from "../../sdk/client/sigv4.ts";

/** The example credentials and instant of AWS's published Signature Version 4 test suite. */
const published = {
  region: "us-east-1",
  service: "service",
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" },
  nowMs: Date.UTC(2015, 7, 30, 12, 36, 0),
};
const home = "https://example.amazonaws.com/";
type Request = Pick<Signable, "method" | "url" | "headers" | "body">;

const get = (url: string): Request => ({
  method: "GET",
  url: new URL(url),
  headers: {},
  body: "",
});
const post = (url: string, { headers = {}, body = "" } = {}): Request => ({
  method: "POST",
  url: new URL(url),
  headers,
  body,
});
const form = { "content-type": "application/x-www-form-urlencoded" };

test.each([
  ["get-vanilla", get(home), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
  ["post-vanilla", post(home), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"],
  [
    "post-x-www-form-urlencoded",
    post(home, { headers: form, body: "Param1=value1" }),
    "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
  ],
])("AWS's published vector %s is reproduced", (_, request, signature) => {
  expect(sign({ ...request, ...published })["authorization"]).toMatch(new RegExp(`Signature=${signature}$`));
});

/** The hash that @smithy/signature-v4 wants its caller to bring. */
class Sha256 {
  readonly #hash;
  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = key === undefined ? createHash("sha256") : createHmac("sha256", key as string);
  }
  update(chunk: string | Uint8Array): void {
    this.#hash.update(chunk);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

test("any request is signed as the AWS SDK signs it", async () => {
  const anyRequest = fc.record({
    path: fc.array(fc.stringMatching(/^[a-z0-9-]{1,8}$/), { maxLength: 3 }),
    header: fc.stringMatching(/^[!-~]{1,20}$/),
    body: fc.string(),
    sessionToken: fc.option(fc.stringMatching(/^[A-Za-z0-9+/=]{1,40}$/), { nil: undefined }),
    nowMs: fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2040, 0) }),
  });

  await fc.assert(
    fc.asyncProperty(anyRequest, async ({ path, header, body, sessionToken, nowMs }) => {
      const url = new URL(`https://x.eu-central-1.amazonaws.com/${path.join("/")}`);
      const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": header };
      const credentials = { ...published.credentials, ...(sessionToken ? { sessionToken } : {}) };
      const ours = sign({
        method: "POST",
        url,
        headers,
        body,
        service: "secretsmanager",
        region: "eu-central-1",
        credentials,
        nowMs,
      });

      const theirs = await new SignatureV4({
        service: "secretsmanager",
        region: "eu-central-1",
        credentials,
        sha256: Sha256,
        applyChecksum: false,
      }).sign(
        {
          method: "POST",
          protocol: "https:",
          hostname: url.hostname,
          path: url.pathname,
          headers: { ...headers, host: url.host },
          body,
        },
        { signingDate: new Date(nowMs) },
      );

      expect(ours["authorization"]).toBe(theirs.headers["authorization"]);
    }),
    { numRuns: 200 },
  );
});
