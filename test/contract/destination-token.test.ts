import { Secret } from "../../core/secret.ts";
import { apiOf } from "../../destinations/api.ts";

const call = { method: "PUT", path: "/variables/KEY", what: "write KEY", body: { value: "text" } } as const;

/** A place that takes one token, and answers `status` to every other one. */
function placeOf({ status, taken }: { readonly status: number; readonly taken: string }) {
  const asked: string[] = [];
  let stored = "FAKE-old-token";
  let held = stored;
  const api = apiOf(
    {
      async token({ afresh = false } = {}) {
        if (afresh) held = stored;
        return new Secret(held);
      },
      http: {
        async send({ headers = {} }) {
          const token = headers["authorization"] ?? "";
          asked.push(token);
          return { status: token === taken ? 200 : status, headers: {}, body: "{}" } as never;
        },
      },
    },
    { origin: "https://api.example", headersFor: (token) => ({ authorization: token }) },
  );
  const replace = () => {
    stored = "FAKE-new-token";
  };
  return { api, asked, replace };
}

test.each([401, 403])("a token that was replaced is read again once the place answers %d", async (status) => {
  const { api, asked, replace } = placeOf({ status, taken: "FAKE-new-token" });
  replace();
  expect((await api.call(call)).status).toBe(200);
  expect(await api.whyRefused(call)).toHaveProperty("reply");
  expect(asked).toEqual(["FAKE-old-token", "FAKE-new-token", "FAKE-new-token"]);
});

test.each([401, 403])("one that is refused with %d also then is asked no third time", async (status) => {
  const { api, asked } = placeOf({ status, taken: "FAKE-other-token" });
  await expect(api.call(call)).rejects.toThrow("write KEY");
  expect(await api.whyRefused(call)).toMatchObject({ refusal: { reason: "CredentialRefused" } });
  expect(asked).toHaveLength(4);
});
