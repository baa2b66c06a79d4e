import type { DeclaredKind } from "./declared.ts";
import { planFacts, planHosts } from "./plan.ts";
import { HttpSettings, httpPlan } from "./settings.ts";

export const http: DeclaredKind = {
  kind: "http",
  title: "Any HTTP API",
  keyTexts: [],
  neverIssued: (settings) => httpPlan(settings).declaration.verify.neverIssued,
  byHand: {},
  settings: HttpSettings,
  plan: httpPlan,
  parameterNames: [],
  facts: (settings) => planFacts(httpPlan(settings)),
  hosts: (settings) => planHosts(httpPlan(settings)),
  defaultHosts: [],
  verifyTable: [],
  docs: {
    about:
      "Your own issuer of keys: the policy file declares its calls as data, without a fork and without code.",
    limits: [
      "Its hosts have to be named by the deployment's parameter providerHosts.",
      "It can do what its declaration says, and the contract suite shows whether that is true: `rekey provider test`.",
    ],
  },
  adapter: () => import("./adapter.ts"),
};
