import { copyMistakes } from "../../../core/copies/policy-checks.ts";

const shop = { name: "shop", evidence: ["copy"], copies: [{ to: "ci", as: "SHOP_KEY" }] };

test("copies under private names are no mistake", () => {
  expect(copyMistakes({ consumers: [shop, { name: "mail", evidence: ["client"] }] })).toEqual([]);
  expect(copyMistakes({ consumers: "none" })).toEqual([]);
});

test.each(["VITE_SHOP_KEY", "next_public_shop_key", "PUBLIC_KEY"])("%s would be published", (as) => {
  const consumers = [
    shop,
    {
      ...shop,
      copies: [
        { to: "ci", as: "SHOP_KEY" },
        { to: "ci", as },
      ],
    },
  ];
  expect(copyMistakes({ consumers })).toMatchObject([{ path: ["consumers", 1, "copies", 1, "as"] }]);
  expect(copyMistakes({ consumers, publishable: true })).toEqual([]);
});

test("evidence of a copy that nobody writes is a mistake", () => {
  const message = "copy evidence needs the copies of shop";
  const path = ["consumers", 0, "copies"];
  expect(copyMistakes({ consumers: [{ name: "shop", evidence: ["copy"] }] })).toEqual([{ path, message }]);
});

test("one place with two texts is a mistake: it is written once, however many read it", () => {
  const bearer = { ...shop, copies: [{ to: "ci", as: "SHOP_KEY", text: "Bearer {key}" }] };
  const elsewhere = { ...shop, copies: [{ to: "web", as: "SHOP_KEY", text: "Bearer {key}" }] };
  expect(copyMistakes({ consumers: [shop, elsewhere, shop] })).toEqual([]);
  expect(copyMistakes({ consumers: [bearer, bearer] })).toEqual([]);
  expect(copyMistakes({ consumers: [shop, bearer] })).toMatchObject([
    { path: ["consumers", 1, "copies", 0, "as"], message: expect.stringContaining("two different texts") },
  ]);
});
