import type { Command } from "commander";
import { CliFailure, exitCodes } from "./command.ts";

export interface ScopeOptions {
  readonly all?: true;
  readonly provider?: string;
  readonly environment?: string;
}

/** The arguments that say what a stop applies to. */
export function withScope(command: Command): Command {
  return command
    .argument("[secret]", "name in rekey.yml, or ARN")
    .option("--all", "every secret")
    .option("--provider <account>", "every secret of one provider account of rekey.yml")
    .option("--environment <name>", "every secret of one environment");
}

/** Exactly one of them must be given. */
export function scopeOf(secret: string | undefined, options: ScopeOptions): Record<string, unknown> {
  const { all, provider, environment } = options;
  const given = Object.entries({ all, provider, environment, secret }).filter(
    ([, value]) => value !== undefined,
  );
  if (given.length === 1) return Object.fromEntries(given);
  throw new CliFailure("say what: one secret, --all, --provider or --environment", {
    exitCode: exitCodes.usage,
  });
}
