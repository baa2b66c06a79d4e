import {
  type Deployment,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  type ECSClient,
  ListTasksCommand,
  type Service,
  type TaskSet,
} from "@aws-sdk/client-ecs";
import { InputInvalid } from "../core/errors.ts";
import type { Looking, Platform, RefreshNote, Seen } from "./ports.ts";
import { type Given, type Wiring, wiringOf, wiringOfAll } from "./wiring.ts";

/** By the ARN of the workload, or of its cluster. */
export type EcsClients = (arn: string) => Pick<ECSClient, "send">;

/** ECS lists at most a hundred tasks a page. A family with more pages than this is too large to judge. */
const taskPagesMax = 20;

/**
 * Services are judged by their deployments; families of standalone tasks (`<cluster ARN>#<family>`) by their
 * tasks.
 */
export function ecsPlatform(clients: EcsClients): Platform {
  return {
    kind: "ecs",

    async marks(workload) {
      const family = familyOf(workload);
      if (family) return runningTasks(family, clients);
      return startedIds(await describeService(workload, clients));
    },

    async look(looking) {
      const family = familyOf(looking.workload);
      if (family) return lookAtFamily({ family, note: looking.note }, clients);
      const service = await describeService(looking.workload, clients);
      return isByTaskSets(service) ? lookAtTaskSets(service, looking) : lookAtService(service, looking);
    },

    async wiring({ workload, ...question }) {
      const family = familyOf(workload);
      const definitions = family
        ? await definitionsOf(family, clients)
        : definitionsIn(await describeService(workload, clients));
      const wirings: Wiring[] = [];
      for (const definition of definitions)
        wirings.push(wiringOf(await givenBy({ workload, definition }, clients), question));
      return wiringOfAll(wirings);
    },
  };
}

// ---- services --------------------------------------------------------------------------------------------

export interface ServiceName {
  /** Its ARN. By a name alone ECS takes the cluster of the account that asks. */
  readonly cluster: string;
  readonly service: string;
}

const serviceForm = /^(arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:)service\/([\w-]+)\/([\w-]+)$/;

export function serviceOf(arn: string): ServiceName {
  const [, account, cluster, service] = serviceForm.exec(arn) ?? [];
  if (cluster === undefined || service === undefined) {
    throw new InputInvalid(
      "this is not the ARN of an ECS service with its cluster, nor a cluster's with #family",
    );
  }
  return { cluster: `${account}cluster/${cluster}`, service };
}

export async function describeService(arn: string, clients: EcsClients): Promise<Service> {
  const { cluster, service } = serviceOf(arn);
  const answer = await clients(arn).send(new DescribeServicesCommand({ cluster, services: [service] }));
  const found = answer.services?.[0];
  if (found === undefined || found.status === "INACTIVE")
    throw new InputInvalid(`there is no ECS service ${service}`);
  return found;
}

function deploymentIds({ deployments = [] }: Service): readonly string[] {
  return deployments.flatMap(({ id }) => (id === undefined ? [] : [id]));
}

/** Of deployments, or of the task sets that CodeDeploy or another controller makes instead. */
export function startedIds(service: Service): readonly string[] {
  const { taskSets = [] } = service;
  return [...deploymentIds(service), ...taskSets.flatMap(({ id }) => (id === undefined ? [] : [id]))];
}

function primaryOf({ deployments = [] }: Service): Deployment | undefined {
  return deployments.find(({ status }) => status === "PRIMARY");
}

export function primaryId(service: Service): string | undefined {
  return (isByTaskSets(service) ? primarySetOf(service) : primaryOf(service))?.id;
}

function lookAtService(service: Service, { note }: Looking): Seen {
  const primary = primaryOf(service);
  const id = primary?.id ?? "";
  const instances = primary?.runningCount ?? 0;
  const failed = failedIn(service, note);
  const noted = failed === undefined ? {} : { note: { failed } };
  if (failed?.includes(id)) {
    const detail =
      id === note.started ? "its deployment failed" : "its deployment failed and was rolled back";
    return { progress: "failed", instances, detail, ...noted };
  }
  if (note.before.includes(id)) {
    const detail = "no deployment was started since the promotion";
    return { progress: "untouched", instances, detail, ...noted };
  }
  if (primary?.rolloutState === "FAILED") {
    return { progress: "failed", instances, detail: `its deployment ${id} failed`, note: { failed: [id] } };
  }
  const counts = `${instances} of ${primary?.desiredCount ?? 0} tasks are of deployment ${id}`;
  return { progress: isSteady(service) ? "replaced" : "replacing", instances, detail: counts, ...noted };
}

/**
 * A rollback completes too, under another deployment id, and its tasks read the current version as well. So
 * only a deployment that somebody started after the failure shows that the consumer runs with the incoming
 * key.
 */
function failedIn(service: Service, note: RefreshNote): readonly string[] | undefined {
  const { deployments = [], events = [] } = service;
  const { started, failed } = note;
  if (started === undefined || failed !== undefined) return failed;
  const isListedFailed = deployments.some(
    ({ id, rolloutState }) => id === started && rolloutState === "FAILED",
  );
  const saidFailed = new RegExp(`${escaped(started)}\\b.*\\bfailed\\b`);
  const isSaidFailed = events.some(({ message = "" }) => saidFailed.test(message));
  if (!isListedFailed && !isSaidFailed) return undefined;
  return [...new Set([started, ...deploymentIds(service)])].filter((id) => !note.before.includes(id));
}

/**
 * Only rolling deployments have a rollout state. Without one, a single deployment with every task running has
 * ended.
 */
function isSteady(service: Service): boolean {
  const { deployments = [] } = service;
  const primary = primaryOf(service);
  const isAlone = deployments.every(
    ({ status, runningCount = 0 }) => status === "PRIMARY" || runningCount === 0,
  );
  if (!isAlone || primary === undefined) return false;
  if (primary.rolloutState !== undefined) return primary.rolloutState === "COMPLETED";
  return deployments.length === 1 && primary.runningCount === primary.desiredCount;
}

// ---- services whose task sets CodeDeploy makes ---------------------------------------------------------------

/** Such a service has no deployments of its own, and ECS starts none: whoever controls it makes task sets. */
export function isByTaskSets({ deploymentController }: Service): boolean {
  const { type = "ECS" } = deploymentController ?? {};
  return type !== "ECS";
}

/**
 * While the former task set may still take traffic back (blue and green), its tasks hold what they started with: only
 * when the primary one stands alone has everything been replaced.
 */
function lookAtTaskSets(service: Service, { note }: Looking): Seen {
  const { taskSets = [] } = service;
  const primary = primarySetOf(service);
  const others = taskSets.filter((each) => each !== primary && (each.runningCount ?? 0) > 0);
  const { id = "", runningCount: instances = 0 } = primary ?? {};
  if (primary === undefined || note.before.includes(id)) {
    const detail = "no task set was made since the promotion: start a deployment in CodeDeploy";
    return { progress: "untouched", instances, detail };
  }
  const isAlone = others.length === 0 && isStable(primary);
  const running = others.reduce((sum, { runningCount = 0 }) => sum + runningCount, 0);
  const detail = isAlone
    ? `${instances} tasks are of the task set ${id}`
    : `${instances} tasks are of the task set ${id}, and ${running} of others still run`;
  return { progress: isAlone ? "replaced" : "replacing", instances, detail };
}

function primarySetOf({ taskSets = [] }: Service): TaskSet | undefined {
  return taskSets.find(({ status }) => status === "PRIMARY");
}

function isStable({ stabilityStatus, pendingCount = 0 }: TaskSet): boolean {
  return stabilityStatus === "STEADY_STATE" && pendingCount === 0;
}

function escaped(text: string): string {
  return text.replace(/[^\w-]/g, "\\$&");
}

// ---- families of standalone tasks ------------------------------------------------------------------------

interface Family {
  /** Its ARN. */
  readonly cluster: string;
  readonly family: string;
}

const familyForm = /^(arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:cluster\/[\w-]+)#([\w-]+)$/;

function familyOf(workload: string): Family | undefined {
  const [, cluster, family] = familyForm.exec(workload) ?? [];
  return cluster === undefined || family === undefined ? undefined : { cluster, family };
}

/**
 * Rekey starts nothing here: each task reads the current version when it starts, so the tasks from before
 * only have to end.
 */
async function lookAtFamily(
  { family, note }: { readonly family: Family; readonly note: RefreshNote },
  clients: EcsClients,
): Promise<Seen> {
  const running = await runningTasks(family, clients);
  const stopped = await listTasks({ ...family, desiredStatus: "STOPPED" }, clients);
  const former = running.filter((task) => note.before.includes(task));
  const since = new Set([...running, ...stopped].filter((task) => !note.before.includes(task)));
  const instances = Math.max(since.size, note.instances ?? 0);
  const detail =
    former.length > 0
      ? `${former.length} tasks of ${family.family} run since before the promotion`
      : `${instances} tasks of ${family.family} were started since the promotion`;
  return { progress: former.length > 0 ? "replacing" : "replaced", instances, detail, note: { instances } };
}

function runningTasks(family: Family, clients: EcsClients): Promise<readonly string[]> {
  return listTasks({ ...family, desiredStatus: "RUNNING" }, clients);
}

async function listTasks(
  query: Family & { readonly desiredStatus: "RUNNING" | "STOPPED" },
  clients: EcsClients,
): Promise<readonly string[]> {
  const found: string[] = [];
  let nextToken: string | undefined;
  for (let page = 0; page < taskPagesMax; page++) {
    const answer = await clients(query.cluster).send(
      new ListTasksCommand({ ...query, ...(nextToken !== undefined && { nextToken }) }),
    );
    found.push(...(answer.taskArns ?? []));
    nextToken = answer.nextToken;
    if (nextToken === undefined) return found;
  }
  throw new InputInvalid(`${query.family} has more tasks than can be listed`);
}

// ---- what a start is given -----------------------------------------------------------------------------------

const tasksAskedMax = 100;

function definitionsIn({ deployments = [], taskSets = [] }: Service): readonly string[] {
  const running = [...deployments, ...taskSets].filter(({ runningCount = 0 }) => runningCount > 0);
  return [...new Set(running.flatMap(({ taskDefinition }) => taskDefinition ?? []))];
}

/** ECS shows stopped tasks for about an hour: a batch that ended before is unseen. */
async function definitionsOf(family: Family, clients: EcsClients): Promise<readonly string[]> {
  const running = await runningTasks(family, clients);
  const tasks =
    running.length > 0 ? running : await listTasks({ ...family, desiredStatus: "STOPPED" }, clients);
  if (tasks.length === 0) return [];
  const { cluster } = family;
  const asked = new DescribeTasksCommand({ cluster, tasks: tasks.slice(0, tasksAskedMax) });
  const { tasks: found = [] } = await clients(cluster).send(asked);
  return [...new Set(found.flatMap(({ taskDefinitionArn }) => taskDefinitionArn ?? []))];
}

/** A container's secrets are resolved once, when its task starts. */
async function givenBy(
  { workload, definition }: { readonly workload: string; readonly definition: string },
  clients: EcsClients,
): Promise<readonly Given[]> {
  const asked = new DescribeTaskDefinitionCommand({ taskDefinition: definition });
  const { containerDefinitions = [] } = (await clients(workload).send(asked)).taskDefinition ?? {};
  const name = (variable: string | undefined) => `${variable} of ${definition.split("/").at(-1)}`;
  return containerDefinitions.flatMap(({ secrets = [], environment = [] }) => [
    ...secrets.map((each) => ({ name: name(each.name), text: each.valueFrom ?? "" })),
    ...environment.map((each) => ({ name: name(each.name), text: each.value ?? "" })),
  ]);
}
