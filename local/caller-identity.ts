import { type IncomingMessage, request } from "node:http";

/** A signed question who its signer is, as Vault and Google get it and send it on to AWS. */
export interface SignedQuestion {
  /** Where the local cloud's STS is, with the question's own query. */
  readonly sts: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The session's ARN; undefined where STS refuses the signature. */
export async function callerIdentity({ sts, headers, body }: SignedQuestion): Promise<string | undefined> {
  const answered = await new Promise<IncomingMessage>((resolve, reject) => {
    // The signature covers the host that was asked for, which is not the stand-in's.
    const asked = request(sts, { method: "POST", headers: { ...headers, accept: "application/json" } });
    asked.on("response", resolve).on("error", reject).end(body);
  });
  const text = await textOf(answered);
  if (answered.statusCode !== 200) return undefined;
  const { GetCallerIdentityResponse: said } = JSON.parse(text) as {
    GetCallerIdentityResponse?: { GetCallerIdentityResult: { Arn: string } };
  };
  return said?.GetCallerIdentityResult.Arn;
}

export async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of incoming) text += String(chunk);
  return text;
}
