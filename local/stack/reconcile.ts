import { isDeepStrictEqual } from "node:util";
import type { Resources } from "../../serverless/statements.ts";
import { AwsError } from "../aws/service.ts";
import { resourcePoliciesIn } from "../iam/resource-policies.ts";
import type { Live } from "./live.ts";
import { creationOrder } from "./order.ts";
import { provisionOf, type Services } from "./provision.ts";
import type { Stack, StackResource } from "./resolve.ts";

/** What happened to one resource, as DescribeStackEvents says it: "CREATE_COMPLETE", "DELETE_SKIPPED". */
export interface Note {
  readonly resource: StackResource;
  readonly status: string;
  readonly reason?: string;
}

/** A template's resources, as they are written and as they are resolved. */
export interface Resolved {
  readonly resources: Resources;
  readonly stack: Stack;
}

interface Reconciling {
  readonly live: Live;
  readonly services: Services;
  note(note: Note): void;
}

export const nothing: Resolved = { resources: {}, stack: new Map() };

/** What could not be done, and, where undoing failed as well, what is left undone. */
export class DeploymentFailed extends Error {
  override readonly name = "DeploymentFailed";
  readonly rollbackReason: string | undefined;

  constructor(
    reason: string,
    { rollbackReason, cause }: { rollbackReason: string | undefined; cause: unknown },
  ) {
    super(reason, { cause });
    this.rollbackReason = rollbackReason;
  }
}

/**
 * Takes a stack from what it is to what its new template says, in the order of the references. Where one resource
 * fails, everything is taken back in the opposite order and DeploymentFailed says why.
 */
export async function reconcile(before: Resolved, after: Resolved, doing: Reconciling): Promise<void> {
  const undos: (() => Promise<void>)[] = [];
  const order = creationOrder(after.resources);
  try {
    for (const id of order) {
      const wanted = resourceIn(after, id);
      const undo = await bring(before.stack.get(id), wanted, {
        ...doing,
        policy: policyOf(after, id, "DeletionPolicy"),
      });
      if (undo) undos.push(undo);
    }
    doing.live.derived(resourcePoliciesIn)();
  } catch (cause) {
    throw new DeploymentFailed(messageOf(cause), { rollbackReason: await undone(undos), cause });
  }
  await cleanUp(before, after, doing);
}

/** Deletes what is left of a stack, but for what is to be retained. */
export async function removeAll(before: Resolved, doing: Reconciling): Promise<void> {
  await cleanUp(before, nothing, doing);
}

type Bringing = Reconciling & { readonly policy: string };

/** Makes or changes one resource; gives what takes that back. */
async function bring(
  old: StackResource | undefined,
  wanted: StackResource,
  { live, services, note, policy }: Bringing,
): Promise<(() => Promise<void>) | undefined> {
  const { create, update, fixed = [] } = provisionOf(wanted);
  if (old !== undefined && old.type === wanted.type && old.ref === wanted.ref) {
    if (isDeepStrictEqual(old.properties, wanted.properties)) return undefined;
    const changed = fixed.find((name) => !isDeepStrictEqual(old.properties[name], wanted.properties[name]));
    if (changed !== undefined)
      throw new Error(
        `the local cloud does not replace ${wanted.type} (${wanted.id}) for another ${changed}`,
      );
    await noted(wanted, "UPDATE", { note, act: () => update?.(wanted, services) });
    live.put(wanted);
    return async () => {
      await update?.(old, services);
      live.put(old);
    };
  }
  await noted(wanted, "CREATE", {
    note,
    act: () => {
      if (live.has(wanted)) throw new AwsError("AlreadyExists", `${wanted.ref} already exists`);
      return create?.(wanted, services);
    },
  });
  live.put(wanted);
  return () => deleteOne(wanted, { live, services, note, isKept: policy === "Retain" });
}

/** What the new template has no more, and what something else took the place of. */
async function cleanUp(before: Resolved, after: Resolved, doing: Reconciling): Promise<void> {
  for (const id of creationOrder(before.resources).toReversed()) {
    const old = resourceIn(before, id);
    const now = after.stack.get(id);
    if (now !== undefined && now.type === old.type && now.ref === old.ref) continue;
    const policy = policyOf(before, id, now === undefined ? "DeletionPolicy" : "UpdateReplacePolicy");
    await deleteOne(old, { ...doing, isKept: policy.startsWith("Retain") });
  }
}

async function deleteOne(
  resource: StackResource,
  { live, services, note, isKept }: Reconciling & { readonly isKept: boolean },
): Promise<void> {
  if (isKept) return note({ resource, status: "DELETE_SKIPPED" });
  await noted(resource, "DELETE", { note, act: () => provisionOf(resource).delete?.(resource, services) });
  live.drop(resource);
}

async function noted(
  resource: StackResource,
  verb: string,
  { note, act }: { note: Reconciling["note"]; act(): void | Promise<void> | undefined },
): Promise<void> {
  try {
    await act();
  } catch (error) {
    note({ resource, status: `${verb}_FAILED`, reason: messageOf(error) });
    throw new Error(`${resource.id}: ${messageOf(error)}`, { cause: error });
  }
  note({ resource, status: `${verb}_COMPLETE` });
}

/** The first that could not be taken back, if any. */
async function undone(undos: readonly (() => Promise<void>)[]): Promise<string | undefined> {
  const reasons: string[] = [];
  for (const undo of undos.toReversed())
    await undo().catch((error: unknown) => void reasons.push(messageOf(error)));
  return reasons[0];
}

function resourceIn({ stack }: Resolved, id: string): StackResource {
  const found = stack.get(id);
  if (found === undefined) throw new Error(`the template does not hold ${id}`);
  return found;
}

function policyOf(
  { resources }: Resolved,
  id: string,
  name: "DeletionPolicy" | "UpdateReplacePolicy",
): string {
  return resources[id]?.[name] ?? "Delete";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
