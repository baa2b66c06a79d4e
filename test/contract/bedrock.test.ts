import * as adapter from "../../providers/bedrock/adapter.ts";
import { bedrockFake } from "../../providers/bedrock/fake.ts";
import { bedrock } from "../../providers/bedrock/index.ts";
import { underContract } from "./fake-provider-world.ts";
import { iamUserStories } from "./iam-user-stories.ts";
import { describeProvider } from "./provider-contract.ts";

const subject = {
  ...{ kind: bedrock, adapter, fake: bedrockFake },
  settings: { user: "shop-user", region: "eu-central-1" },
};
const skips = {
  lastUsed: "AWS tells no last use of these keys",
  usagePerKey: "CloudTrail names the user, not the key",
  expiry: "an age is set at the mint and cannot be changed",
};
const own = { skips, mintOperation: "mint", revokeOperation: "revoke" };

describeProvider("bedrock over a socket", underContract(subject, own, { overSocket: true }));
describeProvider("bedrock without a socket", underContract(subject, own));
iamUserStories("bedrock", subject);
