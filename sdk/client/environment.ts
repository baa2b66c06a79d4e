import type { Environment } from "./credentials.ts";
import type { RekeyOptions } from "./options.ts";

/** The options, completed from REKEY_CONSUMER, REKEY_ENVIRONMENT and REKEY_REPORT_BUS. */
export function fromEnvironment(
  options: Partial<RekeyOptions>,
  { consumer, env = options.env ?? process.env }: { consumer?: string | undefined; env?: Environment } = {},
): RekeyOptions {
  return {
    ...options,
    consumer: options.consumer ?? (env["REKEY_CONSUMER"] || consumer || ""),
    environment: options.environment ?? env["REKEY_ENVIRONMENT"] ?? "",
    reportBus: options.reportBus ?? env["REKEY_REPORT_BUS"],
  };
}
