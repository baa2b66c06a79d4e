import { type Application, copyText, fanOut } from "../../../core/copies/fan-out.ts";

const secrets = ["openai", "stripe"];
const shop: Application = {
  name: "shop",
  to: ["cluster"],
  takes: [{ as: "OPENAI_API_KEY", from: "openai" }],
};
const names = (application: Application) =>
  fanOut([application], secrets).given.flatMap(({ secret, copies }) =>
    copies.map(({ to, as }) => `${to}/${as} <- ${secret}`),
  );

test("each value is there under the application's own name, at each of its places", () => {
  const takes = [...shop.takes, { as: "PAYMENTS", from: "stripe" }];
  expect(names({ ...shop, takes, to: ["cluster", "web"] })).toEqual([
    ...["cluster/OPENAI_API_KEY <- openai", "web/OPENAI_API_KEY <- openai"],
    ...["cluster/PAYMENTS <- stripe", "web/PAYMENTS <- stripe"],
  ]);
});

test("a prefix is put before every name, and originals are kept beside it", () => {
  expect(names({ ...shop, prefix: "SHOP_" })).toEqual(["cluster/SHOP_OPENAI_API_KEY <- openai"]);
  expect(names({ ...shop, prefix: "SHOP_", originals: true })).toEqual([
    ...["cluster/SHOP_OPENAI_API_KEY <- openai", "cluster/OPENAI_API_KEY <- openai"],
  ]);
  expect(names({ ...shop, originals: true })).toEqual(["cluster/OPENAI_API_KEY <- openai"]);
});

test("aliases inside one application are several copies of one key", () => {
  const takes = [...shop.takes, { as: "LLM_KEY", from: "openai" }];
  expect(names({ ...shop, takes })).toEqual([
    "cluster/OPENAI_API_KEY <- openai",
    "cluster/LLM_KEY <- openai",
  ]);
});

test("two blocks of one application are one consumer's copies, each once", () => {
  const blocks = [shop, { ...shop, to: ["cluster", "web"] }];
  expect(fanOut(blocks, secrets).given).toEqual([
    {
      ...{ secret: "openai", consumer: "shop" },
      copies: [
        { to: "cluster", as: "OPENAI_API_KEY" },
        { to: "web", as: "OPENAI_API_KEY" },
      ],
    },
  ]);
});

test("a computed value and a first write over what is there are kept", () => {
  const takes = [{ as: "AUTHORIZATION", from: "openai", text: "Bearer {key}" }];
  expect(fanOut([{ ...shop, takes, takeOver: true }], secrets).given[0]?.copies).toEqual([
    { to: "cluster", as: "AUTHORIZATION", text: "Bearer {key}", takeOver: true },
  ]);
});

test.each([
  ["opanai", "did you mean openai?"],
  ["something-else", "it has openai, stripe"],
])("the source %s is missing, and named", (from, hint) => {
  const { given, mistakes } = fanOut([{ ...shop, takes: [{ as: "KEY", from }] }], secrets);
  expect(given).toEqual([]);
  expect(mistakes).toEqual([
    {
      application: "shop",
      message: `KEY comes from ${from}, which this file does not declare: ${hint}`,
    },
  ]);
  expect(fanOut([{ ...shop, takes: [{ as: "KEY", from }] }], []).mistakes[0]?.message).toContain("none");
});

describe("a name that would be two things at one place is refused", () => {
  const refused = (...applications: readonly Application[]) =>
    fanOut(applications, secrets).mistakes.map(({ message }) => message);

  test("by its prefix", () => {
    const takes = [...shop.takes, { as: "SHOP_OPENAI_API_KEY", from: "stripe" }];
    expect(refused({ ...shop, prefix: "SHOP_", originals: true, takes })).toEqual([
      "SHOP_OPENAI_API_KEY at cluster would be stripe and also openai (shop)",
    ]);
  });

  test("by another application", () => {
    const mail = { ...shop, name: "mail", takes: [{ as: "OPENAI_API_KEY", from: "stripe" }] };
    expect(refused(shop, mail)).toEqual(["OPENAI_API_KEY at cluster would be stripe and also openai (shop)"]);
    expect(refused(shop, { ...mail, to: ["web"] })).toEqual([]);
    expect(refused(shop, { ...shop, name: "mail" })).toEqual([]);
  });

  test("by another text", () => {
    const takes = [...shop.takes, { as: "OPENAI_API_KEY", from: "openai", text: "Bearer {key}" }];
    expect(refused({ ...shop, takes })).toEqual([
      'OPENAI_API_KEY at cluster would be "Bearer {key}" of openai and also openai (shop)',
    ]);
  });
});

test("the key takes the place that the text leaves, whatever letters it has", () => {
  expect(copyText({}, "sk-FAKE")).toBe("sk-FAKE");
  expect(copyText({ text: "Bearer {key};" }, "sk-FAKE-$&-$1")).toBe("Bearer sk-FAKE-$&-$1;");
});
