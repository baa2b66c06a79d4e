import * as adapter from "../../providers/iam/adapter.ts";
import { iamAccessKeyFake } from "../../providers/iam/fake.ts";
import { iam } from "../../providers/iam/index.ts";
import { underContract } from "./fake-provider-world.ts";
import { iamUserStories } from "./iam-user-stories.ts";
import { describeProvider } from "./provider-contract.ts";

const subject = {
  ...{ kind: iam, adapter, fake: iamAccessKeyFake },
  settings: { user: "shop-user", region: "eu-central-1" },
};
const skips = {
  usagePerKey: "IAM tells a last use and no count",
  expiry: "access keys do not expire",
};
const own = { skips, mintOperation: "mint", revokeOperation: "revoke" };

describeProvider("iam over a socket", underContract(subject, own, { overSocket: true }));
describeProvider("iam without a socket", underContract(subject, own));
iamUserStories("iam", subject);
