/** In words why there was no connection, from what `aws/failure.ts` or Node says; undefined for other failures. */
export function whyNoConnection(text: string): string | undefined {
  const [, code = "", at = "that address"] = /\b(E[A-Z_]{2,20})(?: ([\w.:-]+))?\)?$/.exec(text) ?? [];
  if (code === "ECONNREFUSED") return `nothing answers at ${at}`;
  if (code === "ENOTFOUND") return `no host is called ${at}`;
  if (code === "EAI_AGAIN") return `the name ${at} could not be looked up`;
  if (code === "ETIMEDOUT" || code === "EHOSTUNREACH" || code === "ENETUNREACH")
    return `${at} cannot be reached`;
  if (code === "ECONNRESET" || code === "EPIPE") return `the connection to ${at} broke off`;
  return undefined;
}
