import type { CopyPolicy, Policy } from "../policy.ts";
import { placeText } from "./rules.ts";

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

interface Collision {
  readonly copy: CopyPolicy;
  /** The other secret whose key goes to the same place. */
  readonly with: string;
}

type Owner = Pick<Policy, "consumers" | "secretArn" | "name" | "environment">;

/** Places of this secret that another secret's policy names too: whichever is written last would win. */
function collisionsOf(policy: Owner, others: readonly Owner[]): readonly Collision[] {
  const own = copiesOf(policy);
  // Most secrets have none, and whoever has some looks at all the others.
  if (own.length === 0) return [];
  const taken = new Map(
    others
      .filter(({ secretArn }) => secretArn !== policy.secretArn)
      .flatMap((other) => copiesOf(other).map((copy) => [placeKey(copy), nameOf(other)] as const)),
  );
  return own.flatMap((copy) => {
    const other = taken.get(placeKey(copy));
    return other === undefined ? [] : [{ copy, with: other }];
  });
}

interface Besides {
  readonly others: readonly Owner[];
  placeOf(destination: string): DeclaredPlace;
}

/** What the deployment says of a destination. */
interface DeclaredPlace {
  /** Its mark changes with every value there. */
  readonly isShared: boolean;
  /** Whose copies it takes; absent: those of whoever a policy names. */
  readonly consumers?: readonly string[];
}

/** Why these copies cannot be written as they are declared, in words; asked before anything is written. */
export function whyCopiesCollide(policy: Owner, besides: Besides): readonly string[] {
  return [
    ...collisionsOf(policy, besides.others).map(
      ({ copy, with: other }) => `${placeText(copy)} is also a copy of ${other}`,
    ),
    ...strangers(policy, besides),
    ...crowdedCopies(policy, besides).map(
      ({ copy, with: other }) =>
        `${placeText(copy)}: ${copy.to} takes one copy, because it does not tell which of its values was changed, and has ${other}`,
    ),
  ];
}

/** A consumer's place gets only its own, where the deployment says whose it is. */
function strangers({ consumers }: Owner, { placeOf }: Besides): readonly string[] {
  if (consumers === "none") return [];
  return consumers.flatMap(({ name, copies = [] }) =>
    copies.flatMap((copy) => {
      const owners = placeOf(copy.to).consumers;
      if (owners === undefined || owners.includes(name)) return [];
      return [
        `${placeText(copy)}: the deployment gives this place only copies of ${owners.join(", ")}, and not of ${name}`,
      ];
    }),
  );
}

/** Where the mark changes with every value, a second copy would always look like a change of the first one. */
function crowdedCopies(policy: Owner, { others, placeOf }: Besides): readonly Collision[] {
  const theirs = others.filter(({ secretArn }) => secretArn !== policy.secretArn);
  return copiesOf(policy).flatMap((copy, nth, own) => {
    if (!placeOf(copy.to).isShared) return [];
    const earlier = own.slice(0, nth).map((each) => ({ each, owner: policy }));
    const foreign = theirs.flatMap((owner) => copiesOf(owner).map((each) => ({ each, owner })));
    const found = [...earlier, ...foreign].find(({ each }) => each.to === copy.to && each.as !== copy.as);
    return found === undefined ? [] : [{ copy, with: `${found.each.as} of ${nameOf(found.owner)}` }];
  });
}

function nameOf({ environment, name }: Owner): string {
  return `${environment}/${name}`;
}
