import { RotationError } from "../core/errors.ts";

/**
 * Our own errors are written for people. A library's message may quote its input, so only the error's name is
 * used.
 */
export function saidOf(error: unknown): string {
  if (error instanceof RotationError) return error.message;
  return error instanceof Error ? error.name : "unknown";
}

export function isNamed(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}
