import { CliFailure, exitCodes } from "./command.ts";

const formats = ["table", "csv"] as const;
export type Format = (typeof formats)[number];

export function formatOf(given: string = "table"): Format {
  const format = formats.find((each) => each === given);
  if (format !== undefined) return format;
  throw new CliFailure(`no format is called ${JSON.stringify(given.slice(0, 40))}`, {
    ...{ hint: `it is ${formats.join(" or ")}; for JSON there is --json`, exitCode: exitCodes.usage },
  });
}
