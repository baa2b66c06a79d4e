import { SFNClient } from "@aws-sdk/client-sfn";
import { KeyRejected, NeedsHuman } from "../../core/errors.ts";
import type { Executions } from "../../core/ports.ts";
import { stepFunctions } from "../../functions/adapters/step-functions.ts";
import { integrations } from "../../local/aws/integrations.ts";
import { lambda } from "../../local/aws/lambda.ts";
import { startCloud } from "../../local/aws/server.ts";
import { stepFunctions as stepFunctionsService } from "../../local/aws/step-functions.ts";
import { type MachineName, machineOf } from "../simulation/run/machines.ts";
import { brokenLine, onLine } from "./broken-line.ts";
import { type Ended, type ExecutionsWorld, executionsContract, triggers } from "./executions-contract.ts";
import { simulatedEdges } from "./simulated-edges.ts";

const place = { region: "eu-west-1", account: "111122223333" };
const machineArnOf = (name: MachineName) =>
  `arn:aws:states:eu-west-1:${place.account}:stateMachine:rekey-${name}`;

describe("the simulator's", () => executionsContract(simulatedWorld));
describe("Step Functions", () => executionsContract(stepFunctionsWorld));

test("both give an execution the same ARN", async () => {
  const worlds = [await simulatedWorld(), await stepFunctionsWorld()];
  const run = {
    machine: "rotation",
    name: "r-1",
    input: { secretArn: "", trigger: triggers.skips },
  } as const;

  const arns = await Promise.all(
    worlds.map(async ({ executions }) => (await executions.start(run)).executionArn),
  );

  expect(arns[0]).toBe(arns[1]);
  for (const { close } of worlds) await close();
});

async function simulatedWorld(): Promise<ExecutionsWorld> {
  const story = newStory(() => edges.deps.executions);
  const edges = simulatedEdges({
    invoke: (functionName, event) => story.call(functionName, event),
    ended: ({ executionArn }, { status, output }) => story.end(executionArn, { status, output }),
  });
  return {
    ...{ ...story, executions: edges.deps.executions, breakNext: edges.line.breakNext },
    close: async () => edges.close(),
  };
}

async function stepFunctionsWorld(): Promise<ExecutionsWorld> {
  const story = newStory(() => executions);
  const functions = lambda({ ...place, functions: story.functions });
  const service = stepFunctionsService({
    ...place,
    machines: {
      rotation: { definition: machineOf("rotation").definition, arn: machineArnOf("rotation") },
      compromise: { definition: machineOf("compromise").definition, arn: machineArnOf("compromise") },
    },
    task: integrations({ lambda: () => functions }),
    onStatusChange: ({ detail }) => story.end(String(detail["executionArn"]), endedOf(detail)),
  });
  const cloud = await startCloud({ services: [service] });
  const credentials = { accessKeyId: "FAKE", secretAccessKey: "FAKE" };
  const client = new SFNClient({ endpoint: cloud.url, region: place.region, credentials });
  const line = brokenLine();
  const executions = stepFunctions(onLine(client, line), {
    rotation: machineArnOf("rotation"),
    compromise: machineArnOf("compromise"),
  });
  return {
    ...{ ...story, executions, breakNext: line.breakNext },
    close: async () => {
      service.close();
      client.destroy();
      await cloud.close();
    },
  };
}

/** Undefined while it runs. */
function endedOf({ status, output }: Readonly<Record<string, unknown>>): Ended | undefined {
  if (status === "RUNNING") return undefined;
  return { status: String(status), output: typeof output === "string" ? JSON.parse(output) : undefined };
}

type Event = Readonly<Record<string, string>>;

/** The functions that a run of the contract reaches, and what is learned from them. */
function newStory(executions: () => Executions) {
  const triggerOf = new Map<string, string>();
  const opened: string[] = [];
  const tokens = promises<string>();
  const ends = promises<Ended>();
  const functions: Readonly<Record<string, (event: unknown) => Promise<unknown>>> = {
    "open-rotation": async (event) => {
      const { rotationId = "", trigger = "" } = event as Event;
      opened.push(rotationId);
      triggerOf.set(rotationId, trigger);
      return trigger === triggers.skips
        ? { outcome: "skipped" }
        : { outcome: "opened", next: "MintKey", fence: 1 };
    },
    "mint-key": async () => ({ outcome: "needsSupply" }),
    "await-key": async (event) => {
      const { rotationId = "", token = "" } = event as Event;
      if (triggerOf.get(rotationId) === triggers.callsBack)
        await executions().succeed(token, { outcome: "staged" });
      tokens.of(rotationId).resolve(token);
      return { outcome: "waiting" };
    },
    "prove-incoming": async () => {
      throw new KeyRejected("so that the run ends here");
    },
    "settle-rotation": async () => ({ outcome: "superseded" }),
    "open-incident": async () => {
      throw new NeedsHuman("so that the run fails");
    },
    "settle-incident": async () => ({ outcome: "needsPerson" }),
  };
  return {
    functions,
    call: async (functionName: string, event: unknown) => functions[functionName]?.(event),
    end: (executionArn: string, ended: Ended | undefined) => ended && ends.of(executionArn).resolve(ended),
    opened: (name: string) => opened.filter((each) => each === name).length,
    tokenOf: (name: string) => tokens.of(name).promise,
    ended: (executionArn: string) => ends.of(executionArn).promise,
  };
}

/** One promise per name, for whoever comes first: the one who waits or the one who knows. */
function promises<Value>() {
  const known = new Map<string, PromiseWithResolvers<Value>>();
  return {
    of(name: string): PromiseWithResolvers<Value> {
      const found = known.get(name) ?? Promise.withResolvers<Value>();
      known.set(name, found);
      return found;
    },
  };
}
