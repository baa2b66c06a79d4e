import type { Stack, StackResource } from "./resolve.ts";

/** The resources of all stacks of the account, as they stand now. */
export class Live {
  readonly #resources = new Map<string, StackResource>();
  #changes = 0;

  /** Whether there is one of this type and name, from whatever stack. */
  has(resource: StackResource): boolean {
    return this.#resources.has(keyOf(resource));
  }

  put(resource: StackResource): void {
    this.#resources.set(keyOf(resource), resource);
    this.#changes += 1;
  }

  drop(resource: StackResource): void {
    this.#resources.delete(keyOf(resource));
    this.#changes += 1;
  }

  /** What `from` makes of them: worked out when it is asked for, and again after a change. */
  derived<Derived>(from: (stack: Stack) => Derived): () => Derived {
    let kept: { readonly changes: number; readonly derived: Derived } | undefined;
    return () => {
      if (kept?.changes !== this.#changes) kept = { changes: this.#changes, derived: from(this.#resources) };
      return kept.derived;
    };
  }
}

function keyOf({ type, ref }: StackResource): string {
  return `${type} ${ref}`;
}
