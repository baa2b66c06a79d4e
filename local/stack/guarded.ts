import type { DeadLetter } from "../aws/event-bridge/delivery.ts";
import type { Dropped } from "../aws/lambda.ts";
import type { MissedFiring } from "../aws/scheduler/clock.ts";
import type { Schedule } from "../aws/scheduler/schedule.ts";
import type { SecretsManager } from "../aws/secrets-manager.ts";
import type { Gate, InnerCall } from "../aws/service.ts";
import type { Sqs } from "../aws/sqs.ts";
import type { StepFunctions } from "../aws/step-functions.ts";
import type { Asked, Known } from "../iam/asked.ts";
import { type Guard, guard } from "../iam/guard.ts";
import { askedBy } from "../iam/requests.ts";
import { resourcePoliciesIn } from "../iam/resource-policies.ts";
import { type Role, rolesIn } from "../iam/roles.ts";
import { type Letter, letterOfFunction, letterOfRule, letterOfSchedule } from "./letters.ts";
import type { Live } from "./live.ts";
import { functionUrlsIn } from "./read.ts";
import { ofType, type Place, type StackResource } from "./resolve.ts";

/** What no attempt could deliver, in the queue that the template names for it. */
export interface KeptLetter {
  readonly queueArn: string;
  /** Who was to have it, and the last error: the queue alone says neither. */
  readonly why: string;
}

/** The guard of the account, and what each service asks of it before it acts for one of its resources. */
export interface GuardedStack {
  readonly gate: Gate;
  readonly guard: Guard;
  readonly kept: readonly KeptLetter[];
  readonly machineMay: (
    execution: { executionArn: string; stateMachineArn: string },
    call: InnerCall,
  ) => void;
  readonly ruleMay: (ruleArn: string, targetArn: string) => void;
  readonly rotationMay: (functionArn: string, secretArn: string) => void;
  readonly keepEvent: (letter: DeadLetter, queueArn: string) => void;
  readonly scheduleMay: (schedule: Schedule, call: InnerCall) => void;
  readonly keepFiring: (missed: MissedFiring, schedule: Schedule) => void;
  readonly keepInvocation: (functionName: string, dropped: Dropped) => void;
  /** Whether a function may write its log; one that may not says nothing, as on AWS. */
  readonly mayLog: (functionName: string) => boolean;
}

interface Parts {
  readonly place: Omit<Place, "stackName">;
  readonly people: () => ReadonlyMap<string, Role>;
  /** Policies of the account that roles may not go beyond, by ARN. */
  readonly boundaries?: Readonly<Record<string, unknown>> | undefined;
  readonly secrets: SecretsManager;
  readonly states: () => StepFunctions;
  readonly queues: () => Pick<Sqs, "put">;
}

export function guardedStack(live: Live, parts: Parts): GuardedStack {
  const known = knownOf(live, parts);
  const decisions = guard({
    known,
    roles: live.derived((stack) => new Map([...rolesIn(stack, parts.boundaries), ...parts.people()])),
    resourcePolicies: live.derived(resourcePoliciesIn),
  });
  const kept: KeptLetter[] = [];
  const keep: FunctionParts["keep"] = (queueArn, { letter, why, admit }) => {
    if (isRefused(admit)) return;
    const isThere = parts.queues().put(queueArn, letter);
    kept.push({ queueArn, why: isThere ? why : `${why}; and there is no such queue` });
  };
  return {
    ...{ gate: decisions, guard: decisions, kept },
    ...machineHooks(live, { known, decisions }),
    ruleMay: (sourceArn, resource) => {
      if (resource.split(":")[2] !== "lambda") return;
      const call = { service: "events.amazonaws.com", sourceArn, resource };
      decisions.admitService({ ...call, action: "lambda:InvokeFunction" });
    },
    rotationMay: (resource, sourceArn) => {
      const call = { service: "secretsmanager.amazonaws.com", sourceArn, resource };
      decisions.admitService({ ...call, action: "lambda:InvokeFunction" });
    },
    keepEvent: (letter, queueArn) => {
      const call = { service: "events.amazonaws.com", sourceArn: letter.ruleArn, resource: queueArn };
      keep(queueArn, {
        letter: letterOfRule(letter),
        why: `${letter.targetArn}: ${letter.errorMessage}`,
        admit: () => decisions.admitService({ ...call, action: "sqs:SendMessage" }),
      });
    },
    scheduleMay: (schedule, call) => lendToSchedule(schedule, { decisions, asked: askedOf(call, known) }),
    keepFiring: (missed, schedule) => {
      const queueArn = schedule.target.DeadLetterConfig?.Arn;
      if (queueArn === undefined) return;
      const asked = [{ action: "sqs:SendMessage", resource: queueArn }];
      keep(queueArn, {
        letter: letterOfSchedule(missed, schedule),
        why: `${missed.scheduleArn}: ${missed.errorMessage}`,
        admit: () => lendToSchedule(schedule, { decisions, asked }),
      });
    },
    ...functionHooks(live, { decisions, keep }),
  };
}

function knownOf(live: Live, { place, secrets, states }: Parts): Known {
  const urls = live.derived(functionUrlsIn);
  const tableKeys = live.derived(
    (stack) =>
      new Map(
        ofType(stack, "AWS::DynamoDB::Table").map(({ ref, properties }) => {
          const { KMSMasterKeyId } = (properties["SSESpecification"] ?? {}) as {
            readonly KMSMasterKeyId?: string;
          };
          return [ref, KMSMasterKeyId] as const;
        }),
      ),
  );
  return {
    ...place,
    secret(id) {
      const found = secrets.known(id);
      return found && { arn: found.arn, tags: found.tags ?? new Map(), keyArn: found.kmsKeyId };
    },
    machineOfToken: (token) => states().machineOf(token),
    keyOfTable: (name) => tableKeys().get(name),
    urlAuth: (name) => urls()[name]?.auth,
  };
}

function askedOf(call: InnerCall, known: Known): readonly Asked[] {
  const asked = askedBy(call, known);
  if (asked === undefined)
    throw new Error(`local/iam/requests/ does not know ${call.service}:${call.operation}`);
  return asked;
}

function machineHooks(
  live: Live,
  { known, decisions }: { readonly known: Known; readonly decisions: Guard },
): Pick<GuardedStack, "machineMay"> {
  const roles = live.derived(
    (stack) =>
      new Map(
        ofType(stack, "AWS::StepFunctions::StateMachine").map(({ ref, properties }) => [
          ref,
          String(properties["RoleArn"]),
        ]),
      ),
  );
  return {
    machineMay: ({ executionArn, stateMachineArn }, call) =>
      decisions.admitLent(roles().get(stateMachineArn) ?? "", {
        ...{ service: "states.amazonaws.com", sourceArn: stateMachineArn },
        session: executionArn.split(":").at(-1) ?? "",
        asked: askedOf(call, known),
      }),
  };
}

function lendToSchedule(
  { arn, group, name, target }: Schedule,
  { decisions, asked }: { readonly decisions: Guard; readonly asked: readonly Asked[] },
): void {
  const sourceArn = `${arn.split(":").slice(0, 5).join(":")}:schedule-group/${group}`;
  decisions.admitLent(target.RoleArn, {
    service: "scheduler.amazonaws.com",
    sourceArn,
    session: name,
    asked,
  });
}

interface FunctionParts {
  readonly decisions: Guard;
  keep(queueArn: string, kept: { readonly letter: Letter; readonly why: string; admit(): void }): void;
}

function functionHooks(
  live: Live,
  { decisions, keep }: FunctionParts,
): Pick<GuardedStack, "keepInvocation" | "mayLog"> {
  const functions = live.derived(
    (stack) => new Map(ofType(stack, "AWS::Lambda::Function").map((each) => [each.ref, each])),
  );
  const destinations = live.derived(
    (stack) =>
      new Map(
        ofType(stack, "AWS::Lambda::EventInvokeConfig").map(({ properties }) => {
          const { OnFailure } = properties["DestinationConfig"] as { OnFailure?: { Destination?: string } };
          return [String(properties["FunctionName"]), OnFailure?.Destination] as const;
        }),
      ),
  );
  const logs = live.derived(
    (stack) =>
      new Map(ofType(stack, "AWS::Logs::LogGroup").map(({ ref, attributes }) => [ref, attributes["Arn"]])),
  );
  const lend = (functionName: string, asked: readonly Asked[]) => {
    const { attributes, properties } = functions().get(functionName) ?? { attributes: {}, properties: {} };
    const { Arn = "" } = attributes as { readonly Arn?: string };
    const lent = { service: "lambda.amazonaws.com", sourceArn: Arn, session: functionName, asked };
    decisions.admitLent(String((properties as { readonly Role?: string }).Role), lent);
  };
  return {
    keepInvocation: (functionName, dropped) => {
      const queueArn = destinations().get(functionName);
      if (queueArn === undefined) return;
      keep(queueArn, {
        letter: letterOfFunction(dropped),
        why: `${functionName}: ${String(dropped.error).slice(0, 300)}`,
        admit: () => lend(functionName, [{ action: "sqs:SendMessage", resource: queueArn }]),
      });
    },
    mayLog: (functionName) => {
      const resource = `${logs().get(`/aws/lambda/${functionName}`)}:log-stream:local`;
      const actions = ["logs:CreateLogStream", "logs:PutLogEvents"];
      return !isRefused(() =>
        lend(
          functionName,
          actions.map((action) => ({ action, resource })),
        ),
      );
    },
  };
}

/** What Step Functions asks of a machine's role when the machine is made with a log and with traces. */
const machineSetup = {
  LoggingConfiguration: [
    ...["CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries"],
    ...["PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups"],
  ].map((action) => `logs:${action}`),
  TracingConfiguration: [
    ...["PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets"],
  ].map((action) => `xray:${action}`),
};

/** A machine whose role cannot deliver its log is not made at all, and on AWS the deployment ends there. */
export function assertLogsReach({ ref, properties }: StackResource, decisions: Guard): void {
  for (const [property, actions] of Object.entries(machineSetup)) {
    if (properties[property] === undefined) continue;
    decisions.admitLent(String(properties["RoleArn"]), {
      ...{ service: "states.amazonaws.com", sourceArn: ref, session: "setup" },
      asked: actions.map((action) => ({ action, resource: "*" })),
    });
  }
}

/** The guard has noted the denial: nobody waits for the answer here. */
function isRefused(admit: () => void): boolean {
  try {
    admit();
    return false;
  } catch (error) {
    if (error instanceof Error && error.name === "AwsError") return true;
    throw error;
  }
}
