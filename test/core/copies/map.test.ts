import { mapOf } from "../../../core/copies/map.ts";
import type { ConsumerPolicy, CopyPolicy, Policy } from "../../../core/policy.ts";

const copy = (to: string, as: string): CopyPolicy => ({ to, as });
const consumer = (name: string, copies?: readonly CopyPolicy[]) =>
  ({ name, environment: "production", ...(copies && { copies }) }) as ConsumerPolicy;
const policy = (name: string, more: Partial<Policy>) =>
  ({ name, secretArn: `arn:${name}`, ...more }) as Policy;

const shown = (policies: readonly Policy[]) =>
  mapOf(policies).map(({ consumer: who, secret, copy: place }) =>
    [who, ...(place ? [`${place.to}/${place.as}`] : []), secret].join(" "),
  );

test("each value that a consumer gets is one line, by consumer, then by place and name", () => {
  const openai = policy("openai", {
    consumers: [consumer("shop", [copy("web", "KEY"), copy("cluster", "KEY")]), consumer("billing", [])],
  });
  const stripe = policy("stripe", {
    consumers: [consumer("shop", [copy("cluster", "API")]), consumer("billing")],
  });
  expect(shown([stripe, openai])).toEqual([
    "billing openai",
    "billing stripe",
    "shop cluster/API stripe",
    "shop cluster/KEY openai",
    "shop web/KEY openai",
  ]);
});

test("of two values that are alike in all, the first policy's comes first", () => {
  const twins = [policy("openai", { consumers: [consumer("a")], field: "one" })];
  const [again = policy("", {})] = [policy("openai", { consumers: [consumer("a")], field: "two" })];
  expect(mapOf([...twins, again]).map(({ field }) => field)).toEqual(["one", "two"]);
});

test("a value says where it comes from, and its field only if there is one", () => {
  const [plain, named] = mapOf([
    policy("a", { consumers: [consumer("x")] }),
    policy("b", { consumers: [consumer("x")], field: "api_key" }),
  ]);
  expect(plain).toEqual({ consumer: "x", environment: "production", secret: "a", secretArn: "arn:a" });
  expect(named).toMatchObject({ secret: "b", field: "api_key" });
});

test("a secret that nobody uses is in no line", () => {
  expect(mapOf([policy("a", { consumers: "none" })])).toEqual([]);
});
