import { awsStatement, type Statement } from "./aws-statement.ts";
import type { CredentialSource, Environment, Fetch } from "./credentials.ts";
import { OptionInvalid } from "./errors.ts";
import type { Issued } from "./federated-key.ts";
import { type Ask, askJson, type Reply, textOf, trustedAddress, unavailable } from "./store-calls.ts";

/** Who this program is, in a token that the issuer trusts: one in a file, or AWS's statement of its role. */
export interface Subject {
  /** Such as a Kubernetes service account's; it is read at each exchange. */
  jwtFile?: string | undefined;
  /** Whom AWS's statement is for, as the issuer's provider or rule expects it. */
  audience?: string | undefined;
  /** Default AWS_REGION. */
  region?: string | undefined;
}

export interface ExchangeWorld {
  env: Environment;
  fetch: Fetch;
  credentials: CredentialSource;
  wallMs(): number;
}

/** Values of REKEY_<PREFIX>_<NAME>. */
export function valuesOf(env: Environment, prefix: string) {
  const of = (name: string) => env[`REKEY_${prefix}_${name}`] || undefined;
  return {
    of,
    needed(name: string, given: string | undefined): string {
      const value = given || of(name);
      if (!value) throw new OptionInvalid(`federation needs REKEY_${prefix}_${name}`);
      return value;
    },
    subject: ({ jwtFile, audience, region }: Subject): Subject => ({
      jwtFile: jwtFile || of("JWT_FILE"),
      audience: audience || of("AUDIENCE"),
      region: region || env["AWS_REGION"],
    }),
  };
}

/** `issuer` is the one that the token is shown to, as people call it; `prefix` begins its variables. */
export async function subjectToken(
  { jwtFile, audience, region }: Subject,
  { asked, issuer, prefix, ...world }: ExchangeWorld & { asked: Ask; issuer: string; prefix: string },
): Promise<string> {
  const name = `REKEY_${prefix}_JWT_FILE`;
  if (jwtFile) return textOf(undefined, jwtFile, { store: issuer, name });
  if (!audience) throw new OptionInvalid(`federation needs ${name} or REKEY_${prefix}_AUDIENCE`);
  if (!region) throw new OptionInvalid("no AWS Region is known: set AWS_REGION");
  const statement: Statement = { region, audience, reader: issuer };
  return awsStatement(statement, asked, world);
}

interface Exchange {
  asked: Ask;
  issuer: string;
  fetch: Fetch;
  /** https://host[:port], and the variable that it comes from. */
  address: string;
  addressName: string;
  path: string;
  headers?: Readonly<Record<string, string>>;
  body: Readonly<Record<string, string | undefined>>;
}

/** Of a reply that does not say how long its token lives (openai-node 6.49 takes an hour). */
const unsaidLifeS = 3_600;

/** One JSON request that shows a token and gets another one, as OpenAI and Anthropic have it. */
export async function exchanged({ asked, issuer, fetch, path, ...request }: Exchange): Promise<Issued> {
  const address = trustedAddress(request.address, request.addressName);
  const words = { store: issuer, see: `see the route to it and ${request.addressName}` };
  const headers = { "content-type": "application/json", ...request.headers };
  const sent = { method: "POST", headers, body: JSON.stringify(request.body) } as const;
  const reply = await askJson(`${address}${path}`, { ...asked, ...sent }, { fetch, words });
  return issuedIn(reply, { asked, issuer });
}

/** Nothing of the answer is quoted: it may hold the token that was shown. */
function issuedIn({ status, body }: Reply, { asked, issuer }: { asked: Ask; issuer: string }): Issued {
  const { access_token: text, expires_in: said = unsaidLifeS } = (body ?? {}) as Record<string, unknown>;
  const about = { about: asked.secret, status };
  if (status !== 200)
    throw unavailable("denied", { ...about, says: `${issuer} gave no token for this identity (${status})` });
  const seconds = Number(said);
  if (typeof text !== "string" || !text || !(seconds > 0))
    throw unavailable("refused", { ...about, says: `${issuer} answered ${status}, and no token` });
  return { text, lifeMs: seconds * 1_000 };
}
