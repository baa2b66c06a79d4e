import { parseArgs } from "node:util";
import { cases } from "./cases/index.ts";
import { connect, disconnect, runCase } from "./harness.ts";

const usage = `usage: npm run conformance -- [--endpoint URL | --aws] [--service NAME] [--only TEXT]

Checks that an endpoint behaves as AWS does where Rekey depends on it. Without --endpoint, AWS_ENDPOINT_URL and
AWS_ENDPOINT_URL_<SERVICE> are used; --aws allows running against AWS itself. Credentials are dummies unless the
environment has some. CONFORMANCE_ROLE_ARN names the role that machines, rules and schedules assume.

services: ${[...new Set(cases.map(({ service }) => service))].join(", ")}`;

const { values } = parseArgs({
  options: {
    endpoint: { type: "string" },
    aws: { type: "boolean", default: false },
    service: { type: "string" },
    only: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const { env } = process;
const hasEndpoint = Object.keys(env).some((name) => name.startsWith("AWS_ENDPOINT_URL"));
if (values.help || (values.endpoint === undefined && !hasEndpoint && !values.aws)) {
  console.error(usage);
  process.exit(values.help ? 0 : 2);
}

const isOwn = values.aws || env["AWS_ACCESS_KEY_ID"] !== undefined || env["AWS_PROFILE"] !== undefined;
const clients = connect({
  region: env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"] ?? "eu-west-1",
  ...(values.endpoint === undefined ? {} : { endpoint: values.endpoint }),
  ...(isOwn ? {} : { credentials: { accessKeyId: "test", secretAccessKey: "test" } }),
});

const chosen = cases
  .filter(({ service }) => values.service === undefined || service === values.service)
  .filter(({ name }) => values.only === undefined || name.includes(values.only));
let failures = 0;
for (const one of chosen) {
  try {
    await runCase(one, clients);
    console.log(`ok    ${one.service}: ${one.name}`);
  } catch (error) {
    failures += 1;
    const [reason] = String(error instanceof Error ? `${error.name}: ${error.message}` : error).split("\n");
    console.log(`FAIL  ${one.service}: ${one.name}\n      ${reason}`);
  }
}
disconnect(clients);
console.log(`${chosen.length - failures} of ${chosen.length} cases conform`);
process.exitCode = failures > 0 || chosen.length === 0 ? 1 : 0;
