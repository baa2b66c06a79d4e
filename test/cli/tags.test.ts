import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Tags } from "../../cli/read-tags.ts";
import { readTags } from "../../cli/read-tags.ts";
import { tagged } from "../../serverless/statements.ts";
import { deployment } from "../package/deployment.ts";
import { rendered } from "../package/packaged.ts";
import { appliedWorld, rekey } from "./cli-world.ts";

const here = (service: string, rest: string) => `arn:aws:${service}:eu-central-1:123456789012:${rest}`;
const service = here("ecs", "service/main/billing");
const worker = here("lambda", "function:worker");
const token = here("secretsmanager", "secret:rekey/webhook-FAKE01");
const slack = here("secretsmanager", "secret:rekey/slack-FAKE02");
const queue = here("sqs", "refresh");

/** A deployment with a workload of each kind, and a policy that refreshes a queue. */
async function doctor(
  of: readonly (readonly [string, Readonly<Record<string, string>>])[],
  unseen: Tags["unseen"] = [],
) {
  const allowed = [
    service,
    `${worker}:live`,
    here("sqs", "other"),
    `https://hooks.example.com/k#${token}`,
    tagged,
  ];
  const { world } = await appliedWorld({
    "billing-key": `provider: main, rotate: manual, consumers: [{ name: billing, environment: production, account: "123456789012", refresh: { sqs: "${queue}" } }]`,
  });
  const Resources = rendered({ ...deployment, refreshAllowed: allowed, slackSecret: slack });
  const shown = await rekey(world, ["--json", "doctor"], {
    template: { Resources },
    tags: { of: new Map(of), unseen },
  });
  const { findings } = shown.json() as { findings: { about: string; message: string; hint: string }[] };
  return { ...shown, findings: findings.filter(({ about }) => about.startsWith("arn:")) };
}

const production = { Environment: "production" };
const all = [service, worker, token, slack].map((arn) => [arn, production] as const);

describe("doctor on the tags without which Rekey is denied", () => {
  test("finds nothing where everything carries its tags", async () => {
    const { findings } = await doctor([...all, [queue, { ...production, Rekey: "refresh" }]]);
    expect(findings).toEqual([]);
  });

  test("names each workload and each secret that lacks one, and the command that sets it", async () => {
    const { findings, code } = await doctor([
      ...[service, worker, token, slack, queue].map((arn) => [arn, {}] as const),
      [here("sqs", "other"), {}],
    ]);
    expect(code).toBe(1);
    expect(findings.map(({ about }) => about).sort()).toEqual([service, worker, token, slack, queue].sort());
    expect(findings).toContainEqual({
      ...{ severity: "problem", about: token },
      message: "it has no tag Environment=production, and Rekey's roles are denied what has not",
      hint: `where it is meant to be Rekey's: aws resourcegroupstaggingapi tag-resources --resource-arn-list ${token} --tags Environment=production`,
    });
    expect(findings.find(({ about }) => about === queue)?.hint).toMatch(
      /--tags Environment=production,Rekey=refresh$/,
    );
  });

  test("says whose a workload of another environment is", async () => {
    const { findings } = await doctor([[service, { Environment: "staging" }]]);
    expect(findings.map(({ message }) => message)).toEqual([
      "its tag Environment is staging, and Rekey's roles are denied what has not Environment=production",
    ]);
  });

  test("says what it may not look at, and takes nothing for a problem there", async () => {
    const { findings, err } = await doctor([], ["5 here (AccessDeniedException: allow tag:GetResources)"]);
    expect(findings).toEqual([]);
    expect(err).toContain("tags are not looked at: 5 here (AccessDeniedException: allow tag:GetResources)");
  });
});

describe("what the account says of its tags", () => {
  let server: Server;
  let answer: { readonly status: number; readonly body: object };
  const asked: string[][] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk) => {
        text += chunk;
      });
      request.on("end", () => {
        asked.push(JSON.parse(text).ResourceARNList);
        response.writeHead(answer.status, { "content-type": "application/x-amz-json-1.1" });
        response.end(JSON.stringify(answer.body));
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
  });
  afterAll(async () => {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  });
  beforeEach(() => {
    asked.length = 0;
  });

  const read = (arns: readonly string[]) =>
    readTags(arns, here("lambda", "function:rekey-production-admin"), {
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      ...{ region: "eu-central-1", credentials: { accessKeyId: "FAKE", secretAccessKey: "FAKE" } },
    });

  test("is asked for a hundred at a time, and what is not in the answer has no tags", async () => {
    const Tags = [{ Key: "Environment", Value: "production" }];
    answer = { status: 200, body: { ResourceTagMappingList: [{ ResourceARN: service, Tags }] } };
    const others = Array.from({ length: 100 }, (_, index) => here("sqs", `q${index}`));
    const { of, unseen } = await read([service, ...others]);
    expect(of.get(service)).toEqual(production);
    expect(of.get(here("sqs", "q99"))).toEqual({});
    expect(asked.map(({ length }) => length)).toEqual([100, 1]);
    expect(unseen).toEqual([]);
  });

  test("is not asked about other accounts and Regions", async () => {
    answer = { status: 200, body: { ResourceTagMappingList: [] } };
    const { of, unseen } = await read([service.replace("123456789012", "999999999999")]);
    expect([of.size, asked.length]).toEqual([0, 0]);
    expect(unseen).toEqual(["1 in other accounts or Regions, or beyond 1000"]);
  });

  test("is not known to somebody who may not ask", async () => {
    answer = { status: 400, body: { __type: "AccessDeniedException", message: "no" } };
    const { of, unseen } = await read([service]);
    expect(of.size).toBe(0);
    expect(unseen).toEqual([expect.stringMatching(/^1 here \(AccessDenied\w*: allow tag:GetResources\)$/)]);
  });
});
