import { randomUUID } from "node:crypto";
import { AwsError, type Caller } from "../aws/service.ts";
import type { XmlChildren } from "../aws/xml.ts";
import type { Plan, Stacks, Wanted } from "./stacks.ts";
import { invalid } from "./template.ts";

interface ChangeSet {
  readonly id: string;
  readonly name: string;
  readonly stackId: string;
  readonly stackName: string;
  readonly createdAtMs: number;
  /** Undefined where the stack is already as it is wanted. */
  readonly plan: Plan | undefined;
  readonly changes: readonly XmlChildren[];
  isExecuted: boolean;
}

export interface ChangeSetNames {
  /** Or its id. */
  readonly name: string;
  readonly stackName: string | undefined;
}

const changeSetsMax = 1_000;
const unchanged =
  "The submitted information didn't contain changes. Submit different information to create a change set.";

/** What stacks would become, to be looked at before it is done. */
export class ChangeSets {
  readonly #stacks: Stacks;
  readonly #stored = new Map<string, ChangeSet>();

  constructor(stacks: Stacks) {
    this.#stacks = stacks;
  }

  create(given: {
    readonly name: string;
    readonly stackName: string;
    /** "CREATE" or "UPDATE". */
    readonly type: string;
    readonly wanted: Wanted;
  }): XmlChildren {
    const { name, stackName, wanted } = given;
    if (this.#stored.size >= changeSetsMax)
      throw new AwsError("LimitExceededException", `at most ${changeSetsMax} change sets`);
    const stack = this.#stackFor(given);
    const plan = this.#stacks.plan(stack, wanted);
    const isChanged = !this.#stacks.isUnchanged(stack.id, plan);
    const id = this.#stacks.arn(`changeSet/${name}/${randomUUID()}`);
    this.#stored.set(id, {
      ...{ id, name, stackName: stack.name, stackId: stack.id, createdAtMs: Date.now(), isExecuted: false },
      plan: isChanged ? plan : undefined,
      changes: isChanged ? changesOf(this.#stacks.resources(stackName), plan) : [],
    });
    return { Id: id, StackId: stack.id };
  }

  describe(names: ChangeSetNames): XmlChildren {
    const found = this.#find(names);
    const { id, name, stackId, stackName, createdAtMs, plan, changes, isExecuted } = found;
    return {
      ...{ ChangeSetId: id, ChangeSetName: name, StackId: stackId, StackName: stackName },
      CreationTime: new Date(createdAtMs).toISOString(),
      Status: plan === undefined ? "FAILED" : "CREATE_COMPLETE",
      StatusReason: plan === undefined ? unchanged : undefined,
      ExecutionStatus: plan === undefined ? "UNAVAILABLE" : isExecuted ? "EXECUTE_COMPLETE" : "AVAILABLE",
      Changes: { member: changes },
    };
  }

  /** With the rights of whoever executes it, who may be another than who made it. */
  execute(names: ChangeSetNames, by: Caller): void {
    const found = this.#find(names);
    if (found.plan === undefined || found.isExecuted)
      throw new AwsError(
        "InvalidChangeSetStatus",
        `ChangeSet [${found.id}] cannot be executed in its current status`,
      );
    const { plan } = found;
    this.#stacks.execute(found.stackId, { ...plan, wanted: { ...plan.wanted, by } });
    found.isExecuted = true;
  }

  delete(names: ChangeSetNames): void {
    this.#stored.delete(this.#find(names).id);
  }

  #stackFor({ stackName, type }: { readonly stackName: string; readonly type: string }) {
    const known = this.#stacks.find(stackName);
    if (type === "UPDATE") {
      if (known !== undefined) return known;
      throw invalid(`Stack [${stackName}] does not exist`);
    }
    if (type !== "CREATE") throw invalid(`the local cloud does not know change sets of type ${type}`);
    if (known === undefined) return this.#stacks.reserve(stackName);
    if (known.status === "REVIEW_IN_PROGRESS") return known;
    throw invalid(`Stack [${stackName}] already exists and cannot be created again with the changeSet.`);
  }

  #find({ name, stackName }: ChangeSetNames): ChangeSet {
    const found =
      this.#stored.get(name) ??
      [...this.#stored.values()].findLast(
        (each) => each.name === name && (each.stackName === stackName || each.stackId === stackName),
      );
    if (found !== undefined) return found;
    throw new AwsError("ChangeSetNotFound", `ChangeSet [${name}] does not exist`, 404);
  }
}

function changesOf(before: ReturnType<Stacks["resources"]>, { after }: Plan): readonly XmlChildren[] {
  const change = (
    Action: string,
    { id, type, ref }: { id: string; type: string; ref: string },
  ): XmlChildren => ({
    Type: "Resource",
    ResourceChange: {
      Action,
      LogicalResourceId: id,
      ...(Action !== "Add" && { PhysicalResourceId: ref }),
      ResourceType: type,
    },
  });
  const wanted = [...after.stack.values()].flatMap((resource) => {
    const old = before.get(resource.id);
    if (old === undefined) return [change("Add", resource)];
    return JSON.stringify(old) === JSON.stringify(resource) ? [] : [change("Modify", old)];
  });
  const gone = [...before.values()].filter(({ id }) => !after.stack.has(id));
  return [...wanted, ...gone.map((resource) => change("Remove", resource))];
}
