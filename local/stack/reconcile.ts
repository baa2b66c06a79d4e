import { isDeepStrictEqual } from "node:util";
import type { Resources } from "../../serverless/statements.ts";
import { AwsError } from "../aws/service.ts";
import { resourcePoliciesIn } from "../iam/resource-policies.ts";
import type { Verb } from "./deployer-calls.ts";
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

export interface Reconciling {
  readonly live: Live;
  readonly services: Services;
  /** Throws unless whoever deploys may make the calls that this takes. */
  admit(resource: StackResource, verb: Verb): void;
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
  { policy, ...doing }: Bringing,
): Promise<(() => Promise<void>) | undefined> {
  const { live, services } = doing;
  const { create, update, undoCreate, fixed = [] } = provisionOf(wanted);
  if (old !== undefined && old.type === wanted.type && old.ref === wanted.ref) {
    if (isDeepStrictEqual(old.properties, wanted.properties)) return undefined;
    const changed = fixed.find((name) => !isDeepStrictEqual(old.properties[name], wanted.properties[name]));
    if (changed !== undefined)
      throw new Error(
        `the local cloud does not replace ${wanted.type} (${wanted.id}) for another ${changed}`,
      );
    // What fails half-way is changed in part: it is brought back as well.
    const back = () => update?.(old, services);
    await noted(wanted, "UPDATE", { ...doing, act: () => update?.(wanted, services), undo: back });
    live.put(wanted);
    return async () => {
      doing.admit(old, "UPDATE");
      await back();
      live.put(old);
    };
  }
  if (live.has(wanted)) {
    const reason = `${wanted.ref} already exists`;
    doing.note({ resource: wanted, status: "CREATE_FAILED", reason });
    throw new AwsError("AlreadyExists", `${wanted.id}: ${reason}`);
  }
  const undo = () => undoCreate?.(wanted, services);
  await noted(wanted, "CREATE", { ...doing, act: () => create?.(wanted, services), undo });
  live.put(wanted);
  return () => deleteOne(wanted, { ...doing, isKept: policy === "Retain" });
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
  { isKept, ...doing }: Reconciling & { readonly isKept: boolean },
): Promise<void> {
  if (isKept) return doing.note({ resource, status: "DELETE_SKIPPED" });
  const act = () => provisionOf(resource).delete?.(resource, doing.services);
  await noted(resource, "DELETE", { ...doing, act });
  doing.live.drop(resource);
}

interface Step extends Pick<Reconciling, "note" | "admit"> {
  act(): void | Promise<void> | undefined;
  /** Takes back what was done before the step failed. */
  undo?(): void | Promise<void> | undefined;
}

async function noted(resource: StackResource, verb: Verb, { note, admit, act, undo }: Step): Promise<void> {
  try {
    admit(resource, verb);
  } catch (error) {
    failed(error);
  }
  try {
    await act();
  } catch (error) {
    await undo?.();
    failed(error);
  }
  note({ resource, status: `${verb}_COMPLETE` });

  function failed(error: unknown): never {
    note({ resource, status: `${verb}_FAILED`, reason: messageOf(error) });
    throw new Error(`${resource.id}: ${messageOf(error)}`, { cause: error });
  }
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
