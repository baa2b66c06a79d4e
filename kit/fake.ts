export type { FakeReply, FakeRequest } from "../providers/fake.ts";
export type { Fault, FaultKind, FaultPlan } from "../providers/fake-faults.ts";
export {
  type FakeDialect,
  type FakeOptions,
  type FakeRoute,
  fakeText,
  hintOf,
  json,
  type ProviderFake,
  pageOf,
  providerFake,
  type RouteContext,
  type SeedOptions,
  type World,
  type WorldKey,
} from "../providers/fake-world.ts";
