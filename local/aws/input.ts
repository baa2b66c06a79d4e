import { AwsError } from "./service.ts";

/** The members of one operation's input; what AWS's models refuse is refused here with ValidationException. */
export class Input {
  readonly #members: Record<string, unknown>;

  constructor(members: Record<string, unknown>) {
    this.#members = members;
  }

  has(name: string): boolean {
    return this.#value(name) !== undefined;
  }

  text(name: string): string {
    const value = this.optionalText(name);
    if (value === undefined) throw invalid(`${name} is required`);
    return value;
  }

  optionalText(name: string): string | undefined {
    return this.#typed(name, "string");
  }

  /** Times arrive as seconds since the epoch, with a fraction. */
  optionalNumber(name: string): number | undefined {
    return this.#typed(name, "number");
  }

  integer(name: string, fallback: number): number {
    const value = this.optionalNumber(name) ?? fallback;
    if (!Number.isInteger(value)) throw invalid(`${name} is a whole number`);
    return value;
  }

  flag(name: string, fallback: boolean): boolean {
    return this.#typed(name, "boolean") ?? fallback;
  }

  object(name: string): Record<string, unknown> | undefined {
    const value = this.#value(name);
    if (value === undefined) return undefined;
    if (!isObject(value)) throw invalid(`${name} is a structure`);
    return value;
  }

  list(name: string): readonly unknown[] {
    const value = this.#value(name) ?? [];
    if (!Array.isArray(value)) throw invalid(`${name} is a list`);
    return value;
  }

  objects(name: string): readonly Record<string, unknown>[] {
    return this.list(name).map((value) => {
      if (!isObject(value)) throw invalid(`${name} is a list of structures`);
      return value;
    });
  }

  texts(name: string): readonly string[] {
    return this.list(name).map((value) => {
      if (typeof value !== "string") throw invalid(`${name} is a list of strings`);
      return value;
    });
  }

  #value(name: string): unknown {
    return Object.hasOwn(this.#members, name) ? (this.#members[name] ?? undefined) : undefined;
  }

  #typed(name: string, type: "string"): string | undefined;
  #typed(name: string, type: "number"): number | undefined;
  #typed(name: string, type: "boolean"): boolean | undefined;
  #typed(name: string, type: string): unknown {
    const value = this.#value(name);
    if (value !== undefined && typeof value !== type) throw invalid(`${name} is a ${type}`);
    return value;
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function invalid(message: string): AwsError {
  return new AwsError("ValidationException", message);
}

/** One page of a list, with the token for the next. Throws `code` for an unknown token. */
export function page<T>(
  items: readonly T[],
  { token, size, code = "InvalidToken" }: { token: string | undefined; size: number; code?: string },
): { items: readonly T[]; nextToken: string | undefined } {
  const start =
    token === undefined ? 0 : Number(Buffer.from(token, "base64url").toString().replace(/^at:/, ""));
  if (!Number.isInteger(start) || start < 0) throw new AwsError(code, "Invalid token");
  const end = start + size;
  return {
    items: items.slice(start, end),
    nextToken: end < items.length ? Buffer.from(`at:${end}`).toString("base64url") : undefined,
  };
}
