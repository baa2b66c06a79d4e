/** `npm run -s policy:deployer -- --stage S --region R --account A`: prints the policy of whoever deploys a stage. */
import { parseArgs } from "node:util";
import { deployerPolicy } from "./deployer.ts";
import { readDeployment, settingsOf } from "./deployment.ts";

const text = { type: "string" } as const;
const {
  stage = "production",
  region = "eu-central-1",
  account = "*",
  partition = "aws",
} = parseArgs({
  options: { stage: text, region: text, account: text, partition: text },
}).values;

const deployment = readDeployment({ stage, region, settings: settingsOf(stage) });
console.log(JSON.stringify(deployerPolicy(deployment, { account, partition })));
