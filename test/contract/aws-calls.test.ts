import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { SFNClient } from "@aws-sdk/client-sfn";
import type { SNSClient } from "@aws-sdk/client-sns";
import { awsBounds } from "../../aws/bounds.ts";
import type { KeyCompromised } from "../../events/compromise.ts";
import { eventBridgeBus } from "../../functions/adapters/event-bridge.ts";
import { alertBus } from "../../functions/adapters/intake.ts";
import { snsChannel } from "../../functions/adapters/people/channels.ts";
import { stepFunctions } from "../../functions/adapters/step-functions.ts";
import type { Page } from "../../functions/deps.ts";
import { labelledVersions } from "../../stores/secrets-manager/calls.ts";
import { storeOnLabels } from "../../stores/secrets-manager/labels.ts";
import { deployment } from "../package/deployment.ts";
import { ofType, rendered } from "../package/packaged.ts";

/** Between three attempts the SDK pauses at most so long, after throttling too. */
const pausesMaxMs = 2_000;
const machineArn = "arn:aws:states:eu-west-1:111122223333:stateMachine:rekey-rotation";
const executionArn = "arn:aws:states:eu-west-1:111122223333:execution:rekey-rotation:r-1";
const topicArn = "arn:aws:sns:eu-west-1:111122223333:on-call";
const accessDenied = { name: "AccessDeniedException", $metadata: { httpStatusCode: 400 } };

/** A service that gives the same answer to everything. */
function answering(answer: object) {
  return { send: async () => answer } as unknown as SFNClient & EventBridgeClient & SNSClient;
}

function refusing(error: object) {
  const send = async () => {
    throw Object.assign(new Error("FAKE words that quote what was sent"), error);
  };
  return { send } as unknown as ReturnType<typeof answering>;
}

const page: Page = {
  ...{ incidentId: "i-20261122-1", reason: "opened", severity: "page", title: "a key leaked", why: "" },
  ...{ steps: [], links: [], runbook: "docs/runbooks/incident-opened.md", test: false },
  about: { secretArns: [], deadlineAtMs: 0 },
};

const leak: KeyCompromised = {
  ...{ kind: "start", receivedAtMs: 0, intake: "report" },
  alert: {
    ...{ schema: 1, source: "report", sourceId: "a-1", exposure: "unknown", verified: "unknown", where: [] },
    identity: { kind: "hint", hint: "FAKE-1234" },
  },
};

type Call = (client: ReturnType<typeof answering>) => Promise<unknown>;

const machines = (client: SFNClient) =>
  stepFunctions(client, { rotation: machineArn, compromise: machineArn });

const calls: readonly (readonly [string, Call])[] = [
  ["states:SendTaskSuccess", (client) => machines(client).succeed("token", {})],
  ["states:SendTaskFailure", (client) => machines(client).fail("token", { error: "Superseded", cause: "" })],
  [
    "states:StartExecution",
    (client) => machines(client).start({ machine: "rotation", name: "r-1", input: {} }),
  ],
  ["states:DescribeExecution", (client) => machines(client).describe(executionArn)],
  ["states:StopExecution", (client) => machines(client).stop(executionArn, "asked")],
  [
    "events:PutEvents",
    (client) => eventBridgeBus(client, "rekey").publish({ type: "RotationFailed", detail: {} }),
  ],
  ["events:PutEvents", (client) => alertBus(client, "rekey-alerts").publish([leak])],
  ["sns:Publish", (client) => snsChannel(client, { topicArn, docsUrl: "" }).send(page)],
];

test.each(calls)(
  "%s without its permission names the permission and is not tried again",
  async (call, ask) => {
    const error = await ask(refusing(accessDenied)).catch((thrown: Error) => thrown);

    expect(error).toMatchObject({ name: "InputInvalid", retry: "never" });
    expect(String(error)).toMatch(`${call} with AccessDeniedException`);
    expect(inspect(error)).not.toContain("FAKE words");
  },
);

test.each(calls)("%s that may pass is tried again later", async (_call, ask) => {
  const throttled = { name: "ThrottlingException", $metadata: { httpStatusCode: 400 } };
  for (const passing of [throttled, { name: "TimeoutError" }, { $metadata: { httpStatusCode: 503 } }])
    await expect(ask(refusing(passing))).rejects.toMatchObject({ name: "StoreUnavailable", retry: "later" });
});

test.each([
  ["may pass", ["ThrottlingException"], "StoreUnavailable"],
  ["stays refused", ["AccessDeniedException"], "InputInvalid"],
  [
    "stays refused beside one that may pass",
    ["AccessDeniedException", "InternalFailure"],
    "StoreUnavailable",
  ],
  ["was dropped without a word", [], "StoreUnavailable"],
])("an entry of a bus that %s", async (_how, codes, name) => {
  const Entries = codes.map((ErrorCode) => ({ ErrorCode }));
  const client = answering({ FailedEntryCount: Math.max(1, codes.length), Entries });

  await expect(alertBus(client, "rekey-alerts").publish([leak])).rejects.toMatchObject({ name });
});

test("a bus that took every entry is quiet about it", async () => {
  await expect(alertBus(answering({ FailedEntryCount: 0 }), "rekey-alerts").publish([leak])).resolves.toBe(
    undefined,
  );
});

test("a machine that is full may have room later", async () => {
  const full = refusing({ name: "ExecutionLimitExceeded", $metadata: { httpStatusCode: 400 } });

  await expect(machines(full).start({ machine: "rotation", name: "r-1", input: {} })).rejects.toMatchObject({
    name: "StoreUnavailable",
  });
});

describe("a service that goes quiet", () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  /** Counts its requests; `answer` says how far each reply gets. */
  async function quiet(answer: RequestListener) {
    const world = { asked: 0 };
    const server = createServer((request, reply) => {
      world.asked += 1;
      answer(request, reply);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const short = Object.entries(awsBounds.requestHandler).map(([name, bound]) => [
      name,
      typeof bound === "number" ? 150 : bound,
    ]);
    const client = new SecretsManagerClient({
      ...awsBounds,
      requestHandler: Object.fromEntries(short),
      ...{ region: "eu-west-1", endpoint: `http://127.0.0.1:${port}` },
      credentials: { accessKeyId: "AKIAFAKE", secretAccessKey: "FAKE" },
    });
    return { world, store: storeOnLabels(labelledVersions(client, { pause: async () => undefined })) };
  }

  test.each<[string, RequestListener]>([
    ["never answers", () => undefined],
    [
      "sends header upon header and no reply",
      ({ socket }) => {
        socket.write("HTTP/1.1 200 OK\r\n");
        const drip = setInterval(() => socket.write("x-fake: 1\r\n"), 10);
        socket.on("close", () => clearInterval(drip));
      },
    ],
    [
      "begins a reply and never ends it",
      (_request, reply) => {
        reply.writeHead(200, { "content-length": "100" });
        reply.write("{");
      },
    ],
  ])("and %s is asked a few times, and may be asked again later", async (_how, answer) => {
    const { world, store } = await quiet(answer);

    await expect(
      store.versionsInUse("arn:aws:secretsmanager:eu-west-1:111122223333:secret:a"),
    ).rejects.toMatchObject({
      name: "StoreUnavailable",
      message: expect.stringContaining("TimeoutError"),
    });
    expect(world.asked).toBe(awsBounds.maxAttempts);
  });

  test("is given up before the shortest function ends", () => {
    const timeouts = ofType(rendered(deployment), "AWS::Lambda::Function").map(([, { Properties }]) =>
      Number(Properties["Timeout"]),
    );
    const shortest = Math.min(...timeouts);
    const { maxAttempts, requestHandler } = awsBounds;
    const { connectionTimeout, requestTimeout, socketTimeout } = requestHandler;

    expect(maxAttempts * (requestTimeout + socketTimeout) + pausesMaxMs).toBeLessThan(shortest * 1_000);
    expect(connectionTimeout).toBeLessThan(requestTimeout);
  });
});
