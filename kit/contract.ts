import { useNodesRunner } from "./runner.ts";

export {
  adminCredential,
  type FakeWorld,
  makeFakeWorld,
  type Subject,
  underContract,
} from "../test/contract/fake-provider-world.ts";
export {
  type Claim,
  type ContractWorld,
  describeProvider,
  type FakeQuirks,
  type ProviderUnderContract,
} from "../test/contract/provider-contract.ts";

useNodesRunner();
