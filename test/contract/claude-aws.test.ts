import * as adapter from "../../providers/claude-aws/adapter.ts";
import { claudeAwsFake } from "../../providers/claude-aws/fake.ts";
import { claudeAws } from "../../providers/claude-aws/index.ts";
import { underContract } from "./fake-provider-world.ts";
import { iamUserStories } from "./iam-user-stories.ts";
import { describeProvider } from "./provider-contract.ts";

const subject = {
  ...{ kind: claudeAws, adapter, fake: claudeAwsFake },
  settings: { user: "shop-user", region: "eu-central-1", workspace: "wrkspc_FAKE" },
};
const skips = {
  lastUsed: "AWS tells no last use of these keys",
  usagePerKey: "CloudTrail names the user, not the key",
  expiry: "an age is set at the mint and cannot be changed",
};
const own = {
  ...{ skips, mintOperation: "mint", revokeOperation: "revoke" },
  unrecognised: "nothing in a key is known to name it",
};

describeProvider("claude-aws over a socket", underContract(subject, own, { overSocket: true }));
describeProvider("claude-aws without a socket", underContract(subject, own));
iamUserStories("claude-aws", subject);
