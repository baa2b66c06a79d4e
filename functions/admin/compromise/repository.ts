import type { ConsumerPolicy, Policy } from "../../../core/policy.ts";

/** A repository as people, policies and alerts write it: "acme/shop", or with its host. */
interface Repository {
  readonly name: string;
  readonly host?: string;
}

/**
 * Policies that name the repository, and policies with a consumer whose code is in it. The whole name has to
 * match: comparing only the last part could cut off the wrong consumers.
 */
export function policiesOfRepository(policies: readonly Policy[], repository: string): readonly Policy[] {
  const names = (listed: readonly string[] = []) =>
    listed.some((each) => written(each) === written(repository));
  const consumers = policies.flatMap(consumersOf).filter((consumer) => names(consumer.repositories));
  const inside = new Set(consumers.map(idOf));
  return policies.filter(
    (policy) =>
      names(policy.repositories) || consumersOf(policy).some((consumer) => inside.has(idOf(consumer))),
  );
}

export function repositoriesIn(policies: readonly Policy[]): readonly string[] {
  return policies.flatMap((policy) => [
    ...(policy.repositories ?? []),
    ...consumersOf(policy).flatMap(({ repositories = [] }) => repositories),
  ]);
}

const consumersOf = ({ consumers }: Policy) => (consumers === "none" ? [] : consumers);
const idOf = ({ environment, name }: ConsumerPolicy) => `${environment}/${name}`;

/** Whether an alert's place or id is in this repository. */
export function isPlaceIn(place: string, repository: string): boolean {
  const found = repositoryOf(place);
  if (found === undefined) return false;
  const given = written(repository);
  return given === written(found.name) || given === written(`${found.host}/${found.name}`);
}

/** An address of a file, issue or clone, or an alert's own id, such as "acme/shop#7". */
function repositoryOf(place: string): Repository | undefined {
  const [, host, path] = /(?:https?:\/\/|git@)([^/:\s]+)(?::\d+)?[/:]([^\s?#]+)/.exec(place) ?? [];
  if (path !== undefined) return { ...(host !== undefined && { host }), name: repositoryIn(path.split("/")) };
  const [, name] = /^([\w.-]+\/[\w.-]+)#\d+$/.exec(place) ?? [];
  return name === undefined ? undefined : { name };
}

/** GitLab's groups can be nested: there the repository's name ends at "/-/". */
function repositoryIn(parts: readonly string[]): string {
  const [dash, clone] = [parts.indexOf("-"), parts.findIndex((part) => part.endsWith(".git"))];
  const end = dash > 0 ? dash : clone > 0 ? clone + 1 : 2;
  return parts.slice(0, end).join("/");
}

/** Host names are case-insensitive. */
function written(repository: string): string {
  return repository
    .toLowerCase()
    .replace(/^https?:\/\//, "")
    .replace(/\/+$/, "")
    .replace(/\.git$/, "");
}
