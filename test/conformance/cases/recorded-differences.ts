import assert from "node:assert/strict";
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
} from "@aws-sdk/client-secrets-manager";
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  UpdateStateMachineCommand,
} from "@aws-sdk/client-sfn";
import type { ConformanceCase } from "../case.ts";
import { refused } from "../refused.ts";
import { fake, newVault } from "../vault.ts";
import { ended, makeMachine, startExecution } from "../waiting.ts";

const passing = { A: { Type: "Pass", End: true } };
/** Half of what a state may put out, less a little. */
const input = JSON.stringify({ text: "x".repeat(200_000) });
const twice = { Type: "Pass", Parameters: { "one.$": "$.text", "other.$": "$.text" } };

const limits: readonly ConformanceCase[] = [
  {
    service: "sfn",
    name: "a state whose output is over 256 KiB ends the execution with States.DataLimitExceeded",
    run: async (clients, scratch) => {
      const states = { A: { ...twice, Next: "B" }, B: { Type: "Pass", Result: {}, End: true } };
      const stateMachineArn = await makeMachine(clients, scratch, { states });
      const execution = await startExecution(clients, scratch, { stateMachineArn, input });
      const { status, error } = await ended(clients, scratch, execution);
      assert.deepEqual({ status, error }, { status: "FAILED", error: "States.DataLimitExceeded" });
    },
  },
  {
    service: "sfn",
    name: "a Map's result over 256 KiB is States.DataLimitExceeded, which the Map catches by its name",
    run: async (clients, scratch) => {
      const Iterator = { StartAt: "Keep", States: { Keep: { Type: "Pass", End: true } } };
      const Catch = [{ ErrorEquals: ["States.DataLimitExceeded"], Next: "Caught" }];
      const states = {
        Split: { Type: "Pass", Parameters: { "items.$": "States.Array($.text, 'x')" }, Next: "Each" },
        Each: {
          ...{ Type: "Map", ItemsPath: "$.items", MaxConcurrency: 1, Catch, End: true },
          ItemSelector: { "one.$": "$.items[0]" },
          ItemProcessor: Iterator,
        },
        Caught: { Type: "Pass", Result: "caught", End: true },
      };
      const stateMachineArn = await makeMachine(clients, scratch, { states });
      const execution = await startExecution(clients, scratch, { stateMachineArn, input });
      const { status, output } = await ended(clients, scratch, execution);
      assert.deepEqual({ status, output }, { status: "SUCCEEDED", output: '"caught"' });
    },
  },
];

const descriptions: readonly ConformanceCase[] = [
  {
    service: "sfn",
    name: "a machine says its logging, tracing and revision, and an update makes another revision",
    run: async (clients, scratch) => {
      const stateMachineArn = await makeMachine(clients, scratch, { states: passing });
      const described = await clients.sfn.send(new DescribeStateMachineCommand({ stateMachineArn }));
      assert.equal(described.loggingConfiguration?.level, "OFF");
      assert.equal(described.tracingConfiguration?.enabled, false);
      const definition = JSON.stringify({ StartAt: "B", States: { B: { Type: "Succeed" } } });
      const update = new UpdateStateMachineCommand({ stateMachineArn, definition });
      const { revisionId } = await clients.sfn.send(update);
      assert.ok(revisionId);
      assert.notEqual(revisionId, described.revisionId);
      const again = await clients.sfn.send(new DescribeStateMachineCommand({ stateMachineArn }));
      assert.equal(again.revisionId, revisionId);
    },
  },
  {
    service: "sfn",
    name: "an execution says how often it was redriven, and its first event under which role it runs",
    run: async (clients, scratch) => {
      const stateMachineArn = await makeMachine(clients, scratch, { states: passing });
      const executionArn = await startExecution(clients, scratch, { stateMachineArn });
      await ended(clients, scratch, executionArn);
      const { executions = [] } = await clients.sfn.send(new ListExecutionsCommand({ stateMachineArn }));
      assert.deepEqual(
        executions.map(({ redriveCount }) => redriveCount),
        [0],
      );
      const { redriveCount } = await clients.sfn.send(new DescribeExecutionCommand({ executionArn }));
      assert.equal(redriveCount, 0);
      const { events = [] } = await clients.sfn.send(new GetExecutionHistoryCommand({ executionArn }));
      assert.equal(events[0]?.executionStartedEventDetails?.roleArn, scratch.roleArn);
    },
  },
  {
    service: "sfn",
    name: "$$.Execution.RoleArn is the machine's role",
    run: async (clients, scratch) => {
      const states = { A: { Type: "Pass", Parameters: { "role.$": "$$.Execution.RoleArn" }, End: true } };
      const stateMachineArn = await makeMachine(clients, scratch, { states });
      const execution = await startExecution(clients, scratch, { stateMachineArn });
      const { output } = await ended(clients, scratch, execution);
      assert.deepEqual(JSON.parse(output ?? "{}"), { role: scratch.roleArn });
    },
  },
  {
    service: "sfn",
    name: "a definition that is no machine at all is refused",
    run: async ({ sfn }, scratch) => {
      const name = scratch.unique("m");
      const definition = JSON.stringify({ States: {} });
      const create = new CreateStateMachineCommand({ name, roleArn: scratch.roleArn, definition });
      await refused(sfn.send(create), "InvalidDefinition");
    },
  },
];

const secrets: readonly ConformanceCase[] = [
  {
    service: "secretsManager",
    name: "a put that takes AWSCURRENT from a version takes its AWSPENDING too, and leaves AWSPREVIOUS only",
    run: async (clients, scratch) => {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const [first = ""] = Object.keys(await vault.labels());
      const promoted = await vault.put(fake("2"), { stages: ["AWSPENDING"] });
      await vault.move("AWSCURRENT", { from: first, to: promoted });
      const byHand = await vault.put(fake("3"));
      const labels = await vault.labels();
      assert.deepEqual([labels[promoted], labels[byHand]], [["AWSPREVIOUS"], ["AWSCURRENT"]]);
    },
  },
  {
    service: "secretsManager",
    name: "a forced deletion of a secret that is not there succeeds",
    run: async ({ secretsManager }, scratch) => {
      const SecretId = scratch.unique("absent");
      const force = { SecretId, ForceDeleteWithoutRecovery: true };
      const { Name, DeletionDate } = await secretsManager.send(new DeleteSecretCommand(force));
      assert.equal(Name, SecretId);
      assert.ok(DeletionDate);
    },
  },
  {
    service: "secretsManager",
    name: "a name that no secret can have is refused as such, and not as one that was not found",
    run: async ({ secretsManager }) => {
      const read = secretsManager.send(new GetSecretValueCommand({ SecretId: "no name" }));
      await refused(read, "ValidationException");
    },
  },
  {
    service: "secretsManager",
    name: "a filter by description finds the beginning of any word, in any case",
    run: async ({ secretsManager }, scratch) => {
      const Name = scratch.unique("words");
      const word = Name.replaceAll("-", "");
      const Description = `the key of ${word}`;
      await secretsManager.send(new CreateSecretCommand({ Name, Description, SecretString: fake("1") }));
      scratch.cleanUp(() =>
        secretsManager.send(new DeleteSecretCommand({ SecretId: Name, ForceDeleteWithoutRecovery: true })),
      );
      const found = async (value: string) => {
        const Filters = [{ Key: "description" as const, Values: [value] }];
        const { SecretList = [] } = await secretsManager.send(new ListSecretsCommand({ Filters }));
        return SecretList.some((secret) => secret.Name === Name);
      };
      const asked = word.slice(0, 10).toUpperCase();
      assert.equal(await scratch.eventually(async () => (await found(asked)) || undefined), true);
      assert.equal(await found(word.slice(1)), false);
    },
  },
];

/** What recordings of AWS showed that the stand-ins once did otherwise. */
export const recordedDifferences: readonly ConformanceCase[] = [...limits, ...descriptions, ...secrets];
