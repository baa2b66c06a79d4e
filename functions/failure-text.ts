const reasonMax = 500;

/** The cause of a Lambda error is JSON text with an `errorMessage`. Anything else is used as it is. */
export function reasonOf({
  Error: name,
  Cause: cause,
}: {
  Error: string;
  Cause?: string | undefined;
}): string {
  const detail = cause === undefined ? "" : messageIn(cause);
  return detail === "" ? name : `${name}: ${detail}`.slice(0, reasonMax);
}

function messageIn(cause: string): string {
  try {
    const parsed: unknown = JSON.parse(cause);
    if (typeof parsed === "object" && parsed !== null && "errorMessage" in parsed)
      return String(parsed.errorMessage);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return cause;
}
