import type { Deployment } from "./deployment.ts";
import { stateName } from "./handlers.ts";
import { allow, localArn, type Statement, tagged, taggedAs } from "./statements.ts";

const workloadActions = {
  observe: {
    service: ["ecs:DescribeServices"],
    function: ["lambda:GetFunctionConfiguration", "lambda:GetAlias"],
    queue: [],
  },
  refresh: {
    service: ["ecs:DescribeServices", "ecs:UpdateService"],
    function: ["lambda:GetFunctionConfiguration", "lambda:UpdateFunctionConfiguration"],
    queue: ["sqs:SendMessage"],
  },
} as const;

const workloadForms = {
  service: /^arn:[^:]+:ecs:[^:]+:\d+:service\//,
  function: /^arn:[^:]+:lambda:/,
  queue: /^arn:[^:]+:sqs:/,
} as const;

const tasksOfCluster = ["ecs:ListTasks", "ecs:DescribeTasks"];

/** What a task is given when it starts. AWS decides this call for all task definitions or none. */
const taskDefinitions = allow("WorkloadDefinitions", ["ecs:DescribeTaskDefinition"], ["*"]);
const isOnEcs = (target: string) => target === tagged || /^arn:[^:]+:ecs:/.test(target);

/** Exactly the workloads that the deployment lists, and with `tagged` those that carry the tag. */
export function workloadStatements(
  work: keyof typeof workloadActions,
  { refreshAllowed, workloadRoles, environment }: Deployment,
): readonly Statement[] {
  const kinds = ["service", "function", "queue"] as const;
  const listed = kinds.flatMap((kind) => {
    const actions = workloadActions[work][kind];
    const targets = refreshAllowed.filter((target) => workloadForms[kind].test(target));
    return targets.length > 0 && actions.length > 0
      ? [allow(`Workload${stateName(kind)}s`, actions, targets.flatMap(withUnqualified))]
      : [];
  });
  const roles = Object.values(workloadRoles);
  const tokens = refreshAllowed.flatMap((target) => /^https:.*#(arn:.+)$/.exec(target)?.[1] ?? []);
  return [
    ...listed,
    ...(refreshAllowed.includes(tagged) ? taggedStatements(work, environment) : []),
    ...(work === "observe" ? familyStatements(refreshAllowed) : []),
    ...(work === "observe" && refreshAllowed.some(isOnEcs) ? [taskDefinitions] : []),
    ...(roles.length > 0 ? [allow("WorkloadRoles", ["sts:AssumeRole"], roles)] : []),
    ...(tokens.length > 0
      ? [allow("WorkloadTokens", ["secretsmanager:GetSecretValue"], [...new Set(tokens)])]
      : []),
  ];
}

/** Workloads in this account and Region that carry the tags; what reads or changes none has no tag to go by. */
function taggedStatements(work: keyof typeof workloadActions, environment: string): readonly Statement[] {
  const everywhere = {
    service: localArn("ecs", "service/*"),
    function: localArn("lambda", "function:*"),
    queue: localArn("sqs", "*"),
  } as const;
  const Condition = taggedAs("refresh", environment);
  const kinds = (["service", "function", "queue"] as const).filter(
    (kind) => workloadActions[work][kind].length > 0,
  );
  return [
    ...kinds.map((kind) => ({
      ...allow(`Tagged${stateName(kind)}s`, workloadActions[work][kind], [everywhere[kind]]),
      Condition,
    })),
    ...(work === "observe"
      ? [
          {
            ...allow("TasksOfAnyCluster", tasksOfCluster, ["*"]),
            Condition: { ArnLike: { "ecs:cluster": localArn("ecs", "cluster/*") } },
          },
        ]
      : []),
  ];
}

/** An alias is asked for through its function: `GetAlias` names the function without the alias. */
function withUnqualified(arn: string): readonly string[] {
  const [, unqualified] = /^(arn:[^:]+:lambda:[^:]+:\d+:function:[^:]+):/.exec(arn) ?? [];
  return unqualified === undefined ? [arn] : [arn, unqualified];
}

/** Standalone tasks (`<cluster ARN>#<family>`) are listed by cluster; ListTasks takes no task as its resource. */
function familyStatements(refreshAllowed: readonly string[]): readonly Statement[] {
  const clusters = refreshAllowed.flatMap(
    (target) => /^(arn:[^:]+:ecs:.+:cluster\/[\w-]+)#/.exec(target)?.[1] ?? [],
  );
  if (clusters.length === 0) return [];
  return [
    {
      ...allow("WorkloadTasks", tasksOfCluster, ["*"]),
      Condition: { ArnEquals: { "ecs:cluster": [...new Set(clusters)] } },
    },
  ];
}
