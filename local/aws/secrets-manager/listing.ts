import { page } from "../input.ts";
import type { Secret } from "./secrets.ts";

export interface Filter {
  readonly Key: string;
  readonly Values: readonly string[];
}

interface PageRequest {
  readonly MaxResults: number | undefined;
  readonly NextToken: string | undefined;
  readonly max: number;
}

/** One page of a list, and the members of the answer that lead to the next one. */
export function pageOf<T>(all: readonly T[], { MaxResults, NextToken, max }: PageRequest) {
  const shown = { token: NextToken, size: MaxResults ?? max, code: "InvalidNextTokenException" };
  const { items, nextToken } = page(all, shown);
  return { items, rest: nextToken === undefined ? {} : { NextToken: nextToken } };
}

/**
 * Filters are joined by AND, one filter's values by OR; a value is a prefix, after "!" one to be absent. In a description,
 * and in all at once, it is the beginning of any word in any case.
 */
export function matchesFilters(secret: Secret, filters: readonly Filter[] = []): boolean {
  return filters.every(({ Key, Values }) =>
    Values.some((value) =>
      value.startsWith("!") ? !hasPrefix(secret, Key, value.slice(1)) : hasPrefix(secret, Key, value),
    ),
  );
}

function hasPrefix(secret: Secret, key: string, prefix: string): boolean {
  const texts = textsOf(secret, key);
  if (!isByWord(key)) return texts.some((text) => text.startsWith(prefix));
  const words = texts.flatMap(wordsOf);
  return wordsOf(prefix).every((wanted) => words.some((word) => word.startsWith(wanted)));
}

const wordsOf = (text: string): readonly string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

const isByWord = (key: string): boolean => key === "description" || key === "all";

function textsOf(secret: Secret, key: string): readonly string[] {
  const texts: Record<string, readonly string[]> = {
    name: [secret.name],
    description: secret.description === undefined ? [] : [secret.description],
    "tag-key": [...(secret.tags?.keys() ?? [])],
    "tag-value": [...(secret.tags?.values() ?? [])],
  };
  return key === "all" ? Object.values(texts).flat() : (texts[key] ?? []);
}
