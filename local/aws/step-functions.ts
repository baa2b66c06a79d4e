import { Input } from "./input.ts";
import { AwsError, type JsonService } from "./service.ts";
import { Executions, type ExecutionsOptions } from "./step-functions/executions.ts";
import { type GivenMachine, Machines } from "./step-functions/machines.ts";

export type { ExecutionNames, MachineTask } from "./step-functions/executions.ts";

export interface StepFunctionsOptions extends ExecutionsOptions {
  /** Machines that exist from the start, by name. */
  readonly machines: Readonly<Record<string, GivenMachine>>;
  readonly region: string;
  readonly account: string;
}

export interface StepFunctions extends JsonService {
  /** The ARN of the machine whose task waits, or waited, with this token. */
  machineOf(taskToken: string): string | undefined;
  /** Makes the machine, or gives it another definition; executions that run go on with theirs. */
  deploy(name: string, machine: GivenMachine): void;
  drop(machineArn: string): void;
  /** Stops what still runs. */
  close(): void;
}

/** Step Functions Standard on loopback, for one account and Region. */
export function stepFunctions(options: StepFunctionsOptions): StepFunctions {
  const machines = new Machines(options.machines, options);
  const executions = new Executions(options);
  const operations: Readonly<Record<string, (input: Input) => unknown>> = {
    CreateStateMachine: (input) => machines.create(input),
    UpdateStateMachine: (input) => machines.update(input),
    DeleteStateMachine: (input) => machines.delete(input),
    DescribeStateMachine: (input) => machines.describe(input),
    ListStateMachines: (input) => machines.list(input),
    StartExecution: (input) => executions.start(machines.find(input.text("stateMachineArn")), input),
    StopExecution: (input) => executions.stop(input),
    RedriveExecution: (input) => executions.redrive(input),
    DescribeExecution: (input) => executions.describe(input),
    ListExecutions: (input) => executions.list(machines.find(input.text("stateMachineArn")), input),
    GetExecutionHistory: (input) => executions.history(input),
    SendTaskSuccess: (input) => executions.sendTaskSuccess(input),
    SendTaskFailure: (input) => executions.sendTaskFailure(input),
    SendTaskHeartbeat: (input) => executions.sendTaskHeartbeat(input),
  };
  return {
    target: "AWSStepFunctions",
    call: async (operation, input) => {
      const answer = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
      if (!answer) throw new AwsError("UnknownOperationException", `${operation} does not work here`);
      return answer(new Input(input));
    },
    machineOf: (taskToken) => executions.machineOf(taskToken),
    deploy: (name, machine) => machines.deploy(name, machine),
    drop: (stateMachineArn) => machines.delete(new Input({ stateMachineArn })),
    close: () => executions.close(),
  };
}
