import { RotationError } from "../core/errors.ts";

/** Our own errors are written for people; a library's message may quote what it was given, so only its name goes on. */
export function saidOf(error: unknown): string {
  if (error instanceof RotationError) return error.message;
  return error instanceof Error ? error.name : "unknown";
}

export function isNamed(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}
