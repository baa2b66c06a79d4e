import {
  type Deployment,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  type ECSClient,
  ListTasksCommand,
  type ServiceEvent,
  type TaskSet,
  UpdateServiceCommand,
} from "@aws-sdk/client-ecs";
import type { EcsClients } from "../../consumers/ecs.ts";

/** `undefined` lets one call pass. */
type Fault = { readonly error: string; readonly afterEffect?: boolean };

/** One ECS service as it goes through deployments, and one family of standalone tasks. */
export class FakeEcs {
  readonly service = "arn:aws:ecs:eu-west-1:111122223333:service/main/billing";
  readonly family = "arn:aws:ecs:eu-west-1:111122223333:cluster/main#nightly";
  readonly calls: string[] = [];
  readonly faults: (Fault | undefined)[] = [];
  deployments: Deployment[] = [];
  events: ServiceEvent[] = [];
  running: string[] = [];
  stopped: string[] = [];
  desired = 3;
  pageMax = 100;
  isThere = true;
  /** What CodeDeploy made, where it controls the service. */
  taskSets: TaskSet[] | undefined;
  /** `valueFrom` and plain values of the one container, by definition; a deployment has the definition of its time. */
  readonly definitions = new Map<string, { readonly secrets?: object; readonly environment?: object }>();
  definition = "billing:1";
  #made = 0;

  constructor() {
    this.complete(this.deploy());
  }

  /** A new deployment; the former one drains. */
  deploy(): string {
    const id = `ecs-svc/${++this.#made}`;
    const former = this.deployments.map((each) => ({ ...each, status: "ACTIVE" }));
    const fresh: Deployment = {
      id,
      status: "PRIMARY",
      rolloutState: "IN_PROGRESS",
      taskDefinition: this.#arnOf(this.definition),
      desiredCount: this.desired,
      runningCount: 0,
    };
    this.deployments = [fresh, ...former];
    return id;
  }

  /** Steady state: what went before is gone from the list. */
  complete(id: string): void {
    this.deployments = this.deployments
      .filter((each) => each.id === id)
      .map((each) => ({ ...each, rolloutState: "COMPLETED", runningCount: each.desiredCount }));
  }

  /** What the circuit breaker does; with `rollback`, the id of the deployment that it rolls back by. */
  fail(id: string, { rollback }: { readonly rollback: boolean }): string | undefined {
    this.change(id, { rolloutState: "FAILED" });
    this.events.unshift({
      message: `(service billing) (deployment ${id}) deployment failed: tasks failed to start.`,
    });
    return rollback ? this.deploy() : undefined;
  }

  change(id: string, fields: Partial<Deployment>): void {
    this.deployments = this.deployments.map((each) => (each.id === id ? { ...each, ...fields } : each));
  }

  readonly clients: EcsClients = (arn) =>
    ({ send: (command: unknown) => this.#send(arn.split(":")[3] ?? "", command) }) as unknown as Pick<
      ECSClient,
      "send"
    >;

  async #send(region: string, command: unknown): Promise<unknown> {
    const name = (command as object).constructor.name.replace(/Command$/, "");
    this.calls.push(`${name} ${region}`);
    const fault = this.faults.shift();
    if (fault && !fault.afterEffect) throw named(fault.error);
    const answer = this.#answer(command);
    if (fault) throw named(fault.error);
    return answer;
  }

  #answer(command: unknown): unknown {
    const { cluster } = (command as { input: { cluster?: string } }).input;
    if (cluster !== undefined && !isOwnCluster(cluster)) throw named("ClusterNotFoundException");
    if (command instanceof DescribeServicesCommand) return { services: this.isThere ? [this.#state()] : [] };
    if (command instanceof UpdateServiceCommand) {
      if (command.input.forceNewDeployment) this.deploy();
      return { service: this.#state() };
    }
    if (command instanceof ListTasksCommand) return this.#tasks(command);
    if (command instanceof DescribeTasksCommand)
      return { tasks: command.input.tasks?.map(() => ({ taskDefinitionArn: this.#arnOf(this.definition) })) };
    if (command instanceof DescribeTaskDefinitionCommand) return this.#described(command);
    throw new Error("the fake does not know this call");
  }

  #state() {
    const { taskSets, events } = this;
    if (taskSets === undefined) return { status: "ACTIVE", deployments: this.deployments, events };
    const deploymentController = { type: "CODE_DEPLOY" };
    return { status: "ACTIVE", deployments: [], taskSets, deploymentController, events };
  }

  #arnOf(definition: string): string {
    return `arn:aws:ecs:eu-west-1:111122223333:task-definition/${definition}`;
  }

  #described({ input }: DescribeTaskDefinitionCommand): unknown {
    const { secrets = {}, environment = {} } =
      this.definitions.get(input.taskDefinition?.split("/").at(-1) ?? "") ?? {};
    return {
      taskDefinition: {
        containerDefinitions: [
          {
            secrets: Object.entries(secrets).map(([name, valueFrom]) => ({ name, valueFrom })),
            environment: Object.entries(environment).map(([name, value]) => ({ name, value })),
          },
        ],
      },
    };
  }

  #tasks({ input }: ListTasksCommand): unknown {
    const unknown = Object.keys(input).filter((member) => !listTasksMembers.has(member));
    if (unknown.length > 0) throw new Error(`ListTasks has no ${unknown.join(" and no ")}`);
    const all = input.desiredStatus === "STOPPED" ? this.stopped : this.running;
    const from = Number(input.nextToken ?? 0);
    const next = from + this.pageMax;
    return { taskArns: all.slice(from, next), ...(next < all.length && { nextToken: String(next) }) };
  }
}

/** Of `ListTasks`, as far as Rekey uses it. */
const listTasksMembers = new Set(["cluster", "family", "desiredStatus", "nextToken"]);

/** By its name it is the caller's own, as on AWS; by its ARN it may be another account's. */
function isOwnCluster(cluster: string): boolean {
  return cluster === "main" || cluster === "arn:aws:ecs:eu-west-1:111122223333:cluster/main";
}

export function named(name: string): Error {
  return Object.assign(new Error("its message may quote sk-FAKE"), { name });
}
