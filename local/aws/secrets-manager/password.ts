import { randomInt } from "node:crypto";
import * as z from "zod";
import { AwsError } from "../service.ts";
import { read } from "./input.ts";

const lower = "abcdefghijklmnopqrstuvwxyz";
const upper = lower.toUpperCase();
const digits = "0123456789";
const punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

const GetRandomPassword = z.object({
  PasswordLength: z.int().min(1).max(4096).default(32),
  ExcludeCharacters: z.string().max(4096).default(""),
  ExcludeNumbers: z.boolean().default(false),
  ExcludePunctuation: z.boolean().default(false),
  ExcludeUppercase: z.boolean().default(false),
  ExcludeLowercase: z.boolean().default(false),
  IncludeSpace: z.boolean().default(false),
  RequireEachIncludedType: z.boolean().default(true),
});

export function getRandomPassword(input: Record<string, unknown>): { RandomPassword: string } {
  const asked = read(GetRandomPassword, input);
  const alphabets = [
    asked.ExcludeLowercase ? "" : lower,
    asked.ExcludeUppercase ? "" : upper,
    asked.ExcludeNumbers ? "" : digits,
    asked.ExcludePunctuation ? "" : punctuation,
    asked.IncludeSpace ? " " : "",
  ]
    .map((alphabet) => [...alphabet].filter((character) => !asked.ExcludeCharacters.includes(character)))
    .filter((alphabet) => alphabet.length > 0);
  const all = alphabets.flat();
  const required = asked.RequireEachIncludedType ? alphabets.map(pick) : [];
  if (all.length === 0 || required.length > asked.PasswordLength) {
    throw new AwsError("InvalidParameterException", "The password can't meet the requested rules.");
  }
  const free = Array.from({ length: asked.PasswordLength - required.length }, () => pick(all));
  return { RandomPassword: shuffled([...required, ...free]).join("") };
}

const pick = (alphabet: readonly string[]): string => alphabet[randomInt(alphabet.length)] ?? "";

function shuffled(characters: readonly string[]): readonly string[] {
  const rest = [...characters];
  return characters.map(() => rest.splice(randomInt(rest.length), 1)[0] ?? "");
}
