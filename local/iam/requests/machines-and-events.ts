import { type Ask, arnIn, type Call, type Known, type Operations, objectsIn, textIn } from "../asked.ts";

const onMachine =
  (operation: string): Ask =>
  ({ input }) => {
    const [, arn = "", qualifier] =
      /^(arn:[^:]*:states:[^:]*:[^:]*:stateMachine:[^:]+)(?::(.+))?$/.exec(
        textIn(input, "stateMachineArn"),
      ) ?? [];
    const context = qualifier === undefined ? {} : { "states:statemachinequalifier": qualifier };
    return [{ action: `states:${operation}`, resource: arn, context }];
  };

const onExecution =
  (operation: string): Ask =>
  ({ input }) => [{ action: `states:${operation}`, resource: textIn(input, "executionArn") }];

/** A token is judged on the machine whose task gave it out; one that nobody gave out, on none. */
const onToken =
  (operation: string): Ask =>
  ({ input }, known) => [
    { action: `states:${operation}`, resource: known.machineOfToken(textIn(input, "taskToken")) ?? "*" },
  ];

export const stepFunctionsRequests: Operations = {
  StartExecution: onMachine("StartExecution"),
  DescribeStateMachine: onMachine("DescribeStateMachine"),
  ListExecutions: onMachine("ListExecutions"),
  StopExecution: onExecution("StopExecution"),
  DescribeExecution: onExecution("DescribeExecution"),
  GetExecutionHistory: onExecution("GetExecutionHistory"),
  RedriveExecution: onExecution("RedriveExecution"),
  SendTaskSuccess: onToken("SendTaskSuccess"),
  SendTaskFailure: onToken("SendTaskFailure"),
  SendTaskHeartbeat: onToken("SendTaskHeartbeat"),
  ListStateMachines: () => [{ action: "states:ListStateMachines", resource: "*" }],
};

function busArn(nameOrArn: unknown, known: Known): string {
  const bus = typeof nameOrArn === "string" ? nameOrArn : "default";
  return bus.startsWith("arn:") ? bus : arnIn(known, "events", `event-bus/${bus}`);
}

/** Every entry is judged by itself; one refusal refuses the call. */
function putEvents({ input }: Call, known: Known) {
  return objectsIn(input["Entries"]).map((entry) => ({
    action: "events:PutEvents",
    resource: busArn(entry["EventBusName"], known),
    context: {
      "events:source": textIn(entry, "Source"),
      "events:detail-type": textIn(entry, "DetailType"),
    },
  }));
}

function onRule(operation: string): Ask {
  return ({ input }, known) => {
    const bus = textIn(input, "EventBusName");
    const name = textIn(input, "Name") || textIn(input, "Rule");
    const path = bus === "" || bus === "default" ? name : `${bus.split("/").at(-1)}/${name}`;
    return [{ action: `events:${operation}`, resource: arnIn(known, "events", `rule/${path}`) }];
  };
}

const rules = [
  ...["PutRule", "DescribeRule", "DeleteRule", "EnableRule", "DisableRule"],
  ...["PutTargets", "ListTargetsByRule", "RemoveTargets"],
];

export const eventBridgeRequests: Operations = {
  PutEvents: putEvents,
  DescribeEventBus: ({ input }, known) => [
    { action: "events:DescribeEventBus", resource: busArn(input["Name"], known) },
  ],
  ListRules: () => [{ action: "events:ListRules", resource: "*" }],
  ListEventBuses: () => [{ action: "events:ListEventBuses", resource: "*" }],
  ...Object.fromEntries(rules.map((operation) => [operation, onRule(operation)])),
};

function onKey(operation: string): Ask {
  return ({ input }, known) => {
    const id = textIn(input, "KeyId");
    const resource = id.startsWith("arn:") ? id : arnIn(known, "kms", `key/${id}`);
    const context = {
      "kms:calleraccount": known.account,
      ...(typeof input["SigningAlgorithm"] === "string" && {
        "kms:signingalgorithm": input["SigningAlgorithm"],
        "kms:messagetype": textIn(input, "MessageType") || "RAW",
      }),
    };
    return [{ action: `kms:${operation}`, resource, context }];
  };
}

export const kmsRequests: Operations = Object.fromEntries(
  ["Sign", "Verify", "GetPublicKey", "GenerateMac", "VerifyMac", "ScheduleKeyDeletion"].map((operation) => [
    operation,
    onKey(operation),
  ]),
);

export const cloudTrailRequests: Operations = {
  LookupEvents: () => [{ action: "cloudtrail:LookupEvents", resource: "*" }],
};

export const taggingRequests: Operations = {
  GetResources: () => [{ action: "tag:GetResources", resource: "*" }],
};

/** A queue is named by its address, by its name, or, for a move, by its ARN. */
function onQueue(operation: string): Ask {
  return ({ input }, known) => {
    const name = (textIn(input, "QueueUrl") || textIn(input, "QueueName")).split("/").at(-1) ?? "";
    const resource = textIn(input, "SourceArn") || arnIn(known, "sqs", name);
    return [{ action: `sqs:${operation}`, resource }];
  };
}

const queueActions = [
  ...["CreateQueue", "DeleteQueue", "GetQueueUrl", "GetQueueAttributes", "SendMessage", "ReceiveMessage"],
  ...["DeleteMessage", "ChangeMessageVisibility", "StartMessageMoveTask"],
];

export const sqsRequests: Operations = {
  ...Object.fromEntries(queueActions.map((operation) => [operation, onQueue(operation)])),
  ListQueues: () => [{ action: "sqs:ListQueues", resource: "*" }],
};
