import type { CopyPolicy, Policy } from "../policy.ts";

/** One value that a consumer gets. */
export interface Mapped {
  readonly consumer: string;
  readonly environment: string;
  /** The secret's name in its policy file. */
  readonly secret: string;
  readonly secretArn: string;
  readonly field?: string;
  /** Absent: the consumer reads the secret itself. */
  readonly copy?: CopyPolicy;
}

/** Who gets what, under which name: by consumer, then by place and name. */
export function mapOf(policies: readonly Policy[]): readonly Mapped[] {
  return policies.flatMap(mappedIn).sort((a, b) => compareTexts(orderOf(a), orderOf(b)));
}

function mappedIn({ name: secret, secretArn, field, consumers }: Policy): readonly Mapped[] {
  if (consumers === "none") return [];
  return consumers.flatMap(({ name: consumer, environment, copies = [] }) => {
    const value = { consumer, environment, secret, secretArn, ...(field !== undefined && { field }) };
    return copies.length === 0 ? [value] : copies.map((copy) => ({ ...value, copy }));
  });
}

function orderOf({ consumer, copy, secret }: Mapped): string {
  return [consumer, copy?.to ?? "", copy?.as ?? "", secret].join("\n");
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
