import type { CopyPolicy, Policy } from "../policy.ts";

/** Every copy of a secret's key, each place once: two consumers may read the same one. */
export function copiesOf({ consumers }: Pick<Policy, "consumers">): readonly CopyPolicy[] {
  const all = consumers === "none" ? [] : consumers.flatMap(({ copies = [] }) => copies);
  const places = new Map(all.map((copy) => [placeKey(copy), copy]));
  return [...places.values()];
}

/** One value at one destination. */
export function placeKey({ to, as }: Pick<CopyPolicy, "to" | "as">): string {
  return `${to}/${as}`;
}

export interface Collision {
  readonly copy: CopyPolicy;
  /** The other secret whose key goes to the same place. */
  readonly with: string;
}

type Owner = Pick<Policy, "consumers" | "secretArn" | "name" | "environment">;

/** Places of this secret that another secret's policy names too: whichever is written last would win. */
export function collisionsOf(policy: Owner, others: readonly Owner[]): readonly Collision[] {
  const taken = new Map(
    others
      .filter(({ secretArn }) => secretArn !== policy.secretArn)
      .flatMap((other) =>
        copiesOf(other).map((copy) => [placeKey(copy), `${other.environment}/${other.name}`] as const),
      ),
  );
  return copiesOf(policy).flatMap((copy) => {
    const other = taken.get(placeKey(copy));
    return other === undefined ? [] : [{ copy, with: other }];
  });
}
