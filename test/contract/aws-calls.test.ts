import { inspect } from "node:util";
import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import type { SFNClient } from "@aws-sdk/client-sfn";
import type { SNSClient } from "@aws-sdk/client-sns";
import type { KeyCompromised } from "../../events/compromise.ts";
import { snsChannel } from "../../functions/adapters/channels.ts";
import { eventBridgeBus } from "../../functions/adapters/event-bridge.ts";
import { alertBus } from "../../functions/adapters/intake.ts";
import { stepFunctions } from "../../functions/adapters/step-functions.ts";
import type { Page } from "../../functions/incident-ports.ts";

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
