import { parseArgs } from "node:util";
import { answerOf } from "./answers.ts";
import { cases } from "./cases/index.ts";
import { connect, disconnect, runCase } from "./harness.ts";
import { startStandIns } from "./stand-ins.ts";

const usage = `usage: npm run conformance -- [--endpoint URL | --local | --aws] [--service NAME] [--only TEXT]

Checks that an endpoint behaves as AWS does where Rekey depends on it. --local checks this repository's stand-ins,
which it starts. The cloud of \`npm start\` is no place for this: there every call is decided by the deployment's roles,
and a case makes what no role may make. Without --endpoint, AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE> are used;
--aws allows running against AWS itself. Credentials are dummies unless the environment has some. CONFORMANCE_ROLE_ARN
names the role that machines, rules and schedules assume.

services: ${[...new Set(cases.map(({ service }) => service))].join(", ")}`;

const { values } = parseArgs({
  options: {
    endpoint: { type: "string" },
    local: { type: "boolean", default: false },
    aws: { type: "boolean", default: false },
    service: { type: "string" },
    only: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const { env } = process;
const hasEndpoint = Object.keys(env).some((name) => name.startsWith("AWS_ENDPOINT_URL"));
const isSaid = values.endpoint !== undefined || values.local || values.aws || hasEndpoint;
if (values.help || !isSaid || (values.local && values.endpoint !== undefined)) {
  console.error(usage);
  process.exit(values.help ? 0 : 2);
}

const isOwn = values.aws || env["AWS_ACCESS_KEY_ID"] !== undefined || env["AWS_PROFILE"] !== undefined;
const standIns = values.local ? await startStandIns() : undefined;
const endpoint = standIns?.url ?? values.endpoint;
const clients = connect({
  region: env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"] ?? "eu-west-1",
  ...(endpoint === undefined ? {} : { endpoint }),
  ...(isOwn && !values.local ? {} : { credentials: { accessKeyId: "test", secretAccessKey: "test" } }),
});

const chosen = cases
  .filter(({ service }) => values.service === undefined || service === values.service)
  .filter(({ name }) => values.only === undefined || name.includes(values.only));
const services = [...new Set(chosen.map(({ service }) => service))];

const answers = new Map(
  await Promise.all(services.map(async (service) => [service, await answerOf(service, clients)] as const)),
);
if (services.length > 0 && services.every((service) => answers.get(service) === "silent")) {
  disconnect(clients);
  console.error(`nothing answers at ${endpoint ?? "the endpoints of the environment"}`);
  console.error(
    "start what is to be checked first, or check our own stand-ins: npm run conformance -- --local",
  );
  process.exit(2);
}

interface Tally {
  conform: number;
  readonly failed: string[];
}

const tallies = new Map<string, Tally>();
for (const one of chosen) {
  const tally = tallies.get(one.service) ?? { conform: 0, failed: [] };
  tallies.set(one.service, tally);
  if (answers.get(one.service) !== "served") continue;
  try {
    await runCase(one, clients);
    tally.conform += 1;
  } catch (error) {
    const [reason] = String(error instanceof Error ? `${error.name}: ${error.message}` : error).split("\n");
    tally.failed.push(`${one.name}\n      ${reason}`);
  }
}
disconnect(clients);
await standIns?.close();

for (const [service, { failed }] of tallies) {
  for (const failure of failed) console.log(`FAIL  ${service}: ${failure}`);
}
const rows = services.map((service) => {
  const { conform = 0, failed = [] } = tallies.get(service) ?? {};
  const answer = answers.get(service);
  return answer === "served" ? [service, conform, failed.length] : [service, answer, ""];
});
const line = ([service, conform, failed]: readonly unknown[]) =>
  `${String(service).padEnd(16)} ${String(conform).padStart(8)} ${String(failed).padStart(7)}`;
for (const row of [["service", "conform", "fail"], ...rows]) console.log(line(row));
const failures = [...tallies.values()].reduce((sum, { failed }) => sum + failed.length, 0);
const isComplete = services.length > 0 && services.every((service) => answers.get(service) === "served");
process.exitCode = failures > 0 || !isComplete ? 1 : 0;
