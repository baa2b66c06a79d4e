import { createHash, randomBytes } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import dynalite from "dynalite";
import { outputOf } from "../cli/stack-outputs.ts";
import type { LogLine } from "../functions/deps.ts";
import { deployerPolicy } from "../serverless/deployer.ts";
import type { Deployment } from "../serverless/deployment.ts";
import { renderTemplate, type Template } from "../serverless/template.ts";
import { cloudFormation } from "./aws/cloudformation.ts";
import { cloudTrail } from "./aws/cloudtrail.ts";
import type { CloudTrailRecord } from "./aws/cloudtrail-record.ts";
import { eventBridge } from "./aws/event-bridge.ts";
import { integrations } from "./aws/integrations.ts";
import { kms } from "./aws/kms.ts";
import { lambda } from "./aws/lambda.ts";
import { lateRecords } from "./aws/late-records.ts";
import { s3 } from "./aws/s3.ts";
import { scheduler } from "./aws/scheduler.ts";
import { rotationFunctions, type SecretsReach } from "./aws/secrets-manager/reach.ts";
import { type SecretsManager, secretsManager } from "./aws/secrets-manager.ts";
import { startCloud } from "./aws/server.ts";
import { AwsError, type Gate, type HttpService, type JsonService } from "./aws/service.ts";
import { type SnsMessage, sns } from "./aws/sns.ts";
import { sqs } from "./aws/sqs.ts";
import { stepFunctions } from "./aws/step-functions.ts";
import { sts } from "./aws/sts.ts";
import { tagging } from "./aws/tagging.ts";
import { type ByHand, people } from "./by-hand.ts";
import { codeFrom, localBucket } from "./code.ts";
import { Functions, type Timed } from "./functions.ts";
import type { Denial } from "./iam/guard.ts";
import { consumerSession, credentialsOf, type Principal, peopleIn, peopleSessions } from "./people.ts";
import { type Callers, openSession, sessionOf, signersIn } from "./sessions.ts";
import { stackActions } from "./stack/actions.ts";
import { alarmsIn } from "./stack/alarms.ts";
import { guardedStack, type KeptLetter } from "./stack/guarded.ts";
import { Live } from "./stack/live.ts";
import type { Services } from "./stack/provision.ts";
import { functionUrlsIn } from "./stack/read.ts";
import type { Place, Stack } from "./stack/resolve.ts";
import { Stacks } from "./stack/stacks.ts";
import type { StandInHosts } from "./stand-in-hosts.ts";

export const region = "eu-west-1";
export const account = "111122223333";
export const environment = "production";

export interface LocalCloud {
  readonly url: string;
  /** The resources of the environment's stack, as they stand in this cloud; none before it is deployed. */
  readonly stack: Stack;
  /** The stack's outputs. */
  readonly outputs: Readonly<Record<string, string>>;
  /** What a process needs in its environment to reach this cloud as one of its principals. */
  env(principal: Principal): Record<string, string>;
  /** The same for the consumer of this name: it may put reports of its own name only. */
  consumerEnv(name: string): Record<string, string>;
  /** Secrets Manager and KMS calls, as CloudTrail has them. */
  readonly trail: readonly CloudTrailRecord[];
  /** What was published to the on-call topic. */
  readonly pages: readonly SnsMessage[];
  /** Every call that a role or a resource's policy refused, oldest first. */
  readonly denials: readonly Denial[];
  /** By role name, the permissions that were used: "ReadLedger dynamodb:GetItem". */
  used(): ReadonlyMap<string, ReadonlySet<string>>;
  /** Errors of the stand-ins themselves, such as a policy that the evaluator does not understand. */
  readonly defects: readonly unknown[];
  /** Events that no rule of their bus takes, in words. */
  readonly unmatched: readonly string[];
  /** What no attempt could deliver, in its queue. */
  readonly deadLetters: readonly KeptLetter[];
  /** The names of the alarms about queues that are on. */
  alarms(): readonly string[];
  /** Fires the rule that runs this function by the clock, without waiting for its time. */
  fire(functionName: string): void;
  requests(): Record<string, Record<string, number>>;
  /** Makes the next call of each function that is idle a cold start. */
  chill(): Promise<void>;
  /** As if the Region were down: nothing answers until the returned function is called, and nothing is lost. */
  outage(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export interface LocalCloudOptions {
  onLog?(line: LogLine): void;
  /** Hears of each answered call of a function. */
  onCall?(call: Timed): void;
  /** Where reports and checkpoints are kept; without it, in memory. */
  readonly folder?: string;
  /** Starts without a stack: whoever needs one deploys it through CloudFormation. */
  readonly isEmpty?: boolean;
  /** Changes what was rendered before the cloud boots from it: how a test plants a fault. */
  alter?(template: Template): Template;
  /** Replaces parameters of the deployment. */
  readonly deployment?: Partial<Deployment>;
  /** Documents of the policies that `permissionsBoundary` may name, by ARN. */
  readonly boundaries?: Readonly<Record<string, unknown>>;
  /** Any free one without it. */
  readonly port?: number;
  /** Secrets that people make before they deploy, by name, and what the deployment is told of them. */
  readonly byHand?: ByHand;
  /** Other companies' hosts that are stand-ins here. */
  readonly hosts?: StandInHosts;
  /** A call that finds its function busy starts another thread, up to this many. Without it one thread takes all calls. */
  readonly threadsMax?: number;
}

/** What `serverless.yml` says for this company. */
const deployment: Deployment = {
  environment,
  region,
  consumerAccounts: [],
  secrets: ["*-key"],
  adminSecrets: ["rekey/admin/*"],
  rotatedAdminSecrets: [],
  intakeSecrets: {},
  intakeLimits: {},
  githubToken: undefined,
  githubApiBases: [],
  ...{ pagerdutySecret: undefined, slackSecret: undefined, auditCollector: undefined, sealedKit: undefined },
  ...{ docsUrl: undefined, secretKeys: [], refreshAllowed: [] },
  providerHosts: [],
  providerFunctions: {},
  iamUsers: [],
  workloadRoles: {},
  destinations: {},
  vaults: {},
  googleProjects: {},
  azureVaults: {},
  slackUsers: [],
  peopleRoles: ["operator", "supplier", "owner"],
  ...({ twoPeople: "off", issuers: ["operator", "owner"] } as const),
  auditLockMode: "GOVERNANCE",
  auditLockDays: 180,
  logRetentionDays: 180,
  intakeConcurrency: 50,
  protectLedger: false,
  rolePath: "/",
  permissionsBoundary: undefined,
  requireMfa: false,
  useFips: false,
  useDualStack: false,
};

/** The bundles are made when the first function is: until then a version is named by its function alone. */
const localCode = {
  location: (name: string) => ({ S3Bucket: localBucket, S3Key: name }),
  sha256: (name: string) => createHash("sha256").update(name).digest("base64"),
};

const stackName = `rekey-${environment}`;

/** All of AWS that Rekey uses, on one loopback port, booted from the template that the package ships. */
export async function startLocalCloud(options: LocalCloudOptions = {}): Promise<LocalCloud> {
  const running: Running = {};
  try {
    return await boot(options, running);
  } catch (error) {
    // An open port would keep the process of whoever reads this error alive.
    await closeAll(running);
    throw error;
  }
}

/** What must be closed again, as far as the start has come. */
interface Running {
  cloud?: { close(): Promise<void> };
  hosted?: { close(): Promise<void> };
}

async function closeAll({ cloud, hosted }: Running): Promise<void> {
  await hosted?.close();
  await cloud?.close();
}

async function boot(options: LocalCloudOptions, running: Running): Promise<LocalCloud> {
  const trail: CloudTrailRecord[] = [];
  const services: (JsonService | HttpService)[] = [];
  const table = dynalite({ createTableMs: 0 });
  const callers: Callers = peopleSessions(account);
  const gates: Gate[] = [];
  const gate: Gate = { admit: (caller, call) => openGate(gates).admit(caller, call) };
  const defects: unknown[] = [];
  const onDefect = (error: unknown) => void defects.push(error);
  const port = options.port === undefined ? {} : { port: options.port };
  const cloud = await startCloud({ services, fallback: table, account, callers, gate, onDefect, ...port });
  running.cloud = cloud;
  const reach: SecretsReach = {};
  const { secrets, recorded } = hostSecrets(trail, reach);
  const place = { partition: "aws", region, account, url: cloud.url };
  const pages: SnsMessage[] = [];
  const hosted = hostServices({ place, pages, secrets, callers, options });
  const { code, guarded, stacks } = hosted;
  Object.assign(reach, { code, rotationMay: guarded.rotationMay, told: lateRecords(hosted.bus) });
  running.hosted = hosted;
  gates.push(guarded.gate);
  services.push(secrets, recorded, tagging(secrets), ...hosted.services);
  const by = people(secrets, { account, environment });
  const report = await by.hand("rekey/intake/report", randomBytes(32).toString("hex"));
  const told = await by.deployers(options.byHand);
  if (options.isEmpty !== true) await deployWorkingCopy(stacks, { options, report, told });
  const outputs = () => stacks.find(stackName)?.outputs ?? {};
  return {
    ...{ url: cloud.url, trail, pages, requests: cloud.requests, outage: cloud.outage, defects },
    get stack() {
      return stacks.resources(stackName);
    },
    get outputs() {
      return outputs();
    },
    ...{ denials: guarded.guard.denials, used: () => guarded.guard.used() },
    ...{ deadLetters: guarded.kept, unmatched: hosted.unmatched },
    alarms: () => alarmsIn(stacks.resources(stackName), hosted.queues.visible),
    fire: (name) => hosted.bus.fire(`rekey-${environment}-${name}`),
    env: (principal) => ({ ...reaching(cloud.url, credentialsOf(principal)), ...settingsFor(outputs()) }),
    consumerEnv: (name) => {
      Object.assign(callers, consumerSession(account, name));
      return { ...reaching(cloud.url, credentialsOf("consumers", name)), ...settingsFor(outputs()) };
    },
    chill: () => hosted.chill(),
    close: () => closeAll(running),
  };
}

/** The template as it is rendered now, through the same door as everybody's. */
async function deployWorkingCopy(
  stacks: Stacks,
  given: {
    readonly options: LocalCloudOptions;
    readonly report: string;
    readonly told: Partial<Deployment>;
  },
): Promise<void> {
  const { options, report, told } = given;
  const settings = { ...deployment, intakeSecrets: { report }, ...told, ...options.deployment };
  const rendered = renderTemplate(settings, localCode);
  const template = JSON.stringify(options.alter?.(rendered) ?? rendered);
  const by = { ...credentialsOf("deployer"), ...sessionOf(account, "deployer", "local") };
  const wanted = { by, template, parameters: new Map(), capabilities: ["CAPABILITY_NAMED_IAM"], tags: {} };
  // The same id in each run, and with it the same names.
  stacks.create(stackName, wanted, stacks.newId(stackName, "local"));
  const { status, reason } = await stacks.settled(stackName);
  if (status !== "CREATE_COMPLETE") throw new Error(reason ?? status);
}

/** What an AWS SDK client in this process takes to reach the cloud as one of its people. */
export function clientAs(cloud: Pick<LocalCloud, "url">, principal: Principal) {
  return { region, endpoint: cloud.url, credentials: credentialsOf(principal) };
}

/** Nobody is let in before the stack says who may. */
function openGate([gate]: readonly Gate[]): Gate {
  if (gate === undefined) throw new AwsError("ServiceUnavailable", "the local cloud is not up yet", 503);
  return gate;
}

function hostSecrets(trail: CloudTrailRecord[], reach: SecretsReach) {
  const recorded = cloudTrail({});
  const secrets = secretsManager({
    ...{ region, account, invoke: rotationFunctions(reach) },
    onCall: (record) => {
      trail.push(record);
      recorded.record(record);
      reach.told?.(record);
    },
  });
  return { secrets, recorded };
}

function functionsFor({ onLog, onCall, hosts = {}, threadsMax = 1 }: LocalCloudOptions): Functions {
  const told = { onLog: (line: LogLine) => onLog?.(line), onCall: (call: Timed) => onCall?.(call) };
  return new Functions({ hosts, threadsMax, ...told });
}

interface Hosting {
  readonly place: Omit<Place, "stackName">;
  readonly secrets: SecretsManager;
  readonly pages: SnsMessage[];
  readonly callers: Callers;
  readonly options: LocalCloudOptions;
}

/** Every stand-in, still empty, and the stacks that fill them. */
function hostServices({ place, secrets, pages, callers, options }: Hosting) {
  const unmatched: string[] = [];
  const live = new Live();
  const { boundaries } = options;
  const deployer = deployerPolicy({ ...deployment, ...options.deployment }, place);
  const people = live.derived((stack) => peopleIn(stack, { account, deployer }));
  const guarded = guardedStack(live, {
    ...{ place, people, boundaries, secrets },
    ...{ states: () => states, queues: () => queues },
  });
  const functions = functionsFor(options);
  const urls = live.derived(functionUrlsIn);
  const code = lambda({
    ...{ ...place, functions: functions.functions, timeoutMs: functions.timeoutMs },
    urlOf: (name) => urls()[name],
    onDropped: (dropped) => guarded.keepInvocation(dropped.functionName, dropped),
  });
  const bus = eventBridge({
    ...place,
    reach: { lambda: () => code, stepFunctions: () => states },
    ...{ admit: guarded.ruleMay, keep: guarded.keepEvent },
    onUnmatched: (name, { source, "detail-type": detailType }) =>
      void unmatched.push(`no rule of ${name} takes ${detailType} from ${source}`),
  });
  const topics = sns({ ...place, onPublish: (message) => void pages.push(message) });
  const states = stepFunctions({
    ...place,
    machines: {},
    task: integrations({
      ...{ lambda: () => code, eventBridge: () => bus, stepFunctions: () => states },
      admit: guarded.machineMay,
    }),
    onStatusChange: (event) => bus.emit(event),
  });
  const schedules = scheduler({
    ...place,
    ...{ admit: guarded.scheduleMay, keep: guarded.keepFiring },
    reach: {
      lambda: () => code,
      stepFunctions: () => states,
      forward: (busArn, event) => bus.forward(busArn, event),
    },
  });
  const objects = s3({ ...(options.folder && { root: options.folder }) });
  const [keys, queues] = [kms(place), sqs({ ...place, url: () => place.url })];
  const zips = codeFrom({ read: objects.read, sha256: localCode.sha256 });
  const made: Services = {
    ...{ bus, topics, states, schedules, objects, keys, queues, functions, boundaries },
    ...{ code: zips, guard: guarded.guard, mayLog: guarded.mayLog },
    ...reachedBy(place, callers),
  };
  const stacks = new Stacks({ place, live, services: made });
  const identities = sts({ region, ...signersIn(callers, { account }) });
  const deployments = cloudFormation({
    stacks: () => stacks.all(),
    actions: stackActions(stacks, objects.read),
  });
  return {
    services: [code, bus, topics, states, schedules, objects, keys, queues, identities, deployments],
    ...{ guarded, bus, queues, unmatched, stacks, code },
    chill: () => functions.chill(),
    async close() {
      await stacks.idle();
      for (const each of [states, bus, schedules]) each.close();
      await functions.close();
      zips.close();
    },
  };
}

/** How CloudFormation reaches the tables' stand-in, and each function the cloud: under the role that it is given. */
function reachedBy(place: Hosting["place"], callers: Callers): Pick<Services, "tables" | "envOf"> {
  return {
    tables: () => new DynamoDBClient(clientAs(place, "administrator")),
    envOf: (name, roleArn) => {
      return {
        ...reaching(place.url, openSession(callers, account, { role: roleArn, name })),
        REKEY_LOOPBACK_PROVIDERS: "allow",
      };
    },
  };
}

function reaching(
  url: string,
  { accessKeyId, secretAccessKey }: { readonly accessKeyId: string; readonly secretAccessKey: string },
): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: url,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
}

/** What the command line and the demonstration read, from the stack's outputs. */
function settingsFor(outputs: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(outputOf).map(([name, output]) => [name, outputs[output] ?? ""]));
}
