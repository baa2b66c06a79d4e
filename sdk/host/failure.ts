import { CredentialsMissing, OptionInvalid, RekeyError, UpstreamUnavailable } from "../client/errors.ts";
import { wrap } from "./wrap.ts";

/** Why the agent or the wrapper cannot start or go on: a message and a next step, never a value. */
export class HostFailure extends RekeyError {
  override readonly name = "HostFailure";
  declare readonly hint: string | undefined;
  declare readonly exitCode: number;

  constructor(message: string, { hint, exitCode }: { hint?: string; exitCode: number }) {
    super(message, { hint, exitCode });
  }
}

/** Wrong usage, for both commands that this file starts. */
export const usage = (message: string, hint?: string): HostFailure =>
  new HostFailure(message, { ...(hint !== undefined && { hint }), exitCode: 2 });

/** What a secret's reader did not get, in words; `exitCode` is the caller's to choose. */
export function unreadable(secret: string, error: unknown, exitCode: number): HostFailure {
  const hint = secret.includes("://") ? hintElsewhere(secret, error) : hintFor(error);
  const said = error instanceof RekeyError ? error.name : "an unexpected failure";
  const { reason, code = "" } = error instanceof UpstreamUnavailable ? error : { reason: undefined };
  const why = reason === undefined ? said : `${said}: ${reason} ${code}`.trimEnd();
  return new HostFailure(`the secret ${secret} could not be read (${why})`, {
    ...(hint !== undefined && { hint }),
    exitCode,
  });
}

function hintFor(error: unknown): string | undefined {
  if (error instanceof CredentialsMissing) {
    return "give it AWS credentials: a role (ECS, EKS pod identity) or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
  }
  if (!(error instanceof UpstreamUnavailable)) {
    return "name the field of a JSON value that is the key: ARN#field";
  }
  const hints: Readonly<Partial<Record<UpstreamUnavailable["reason"], string>>> = {
    denied: "its role needs secretsmanager:GetSecretValue (and kms:Decrypt) for this secret",
    notFound: "look at the ARN and the Region: there is no such secret there",
  };
  return hints[error.reason] ?? "look whether Secrets Manager can be reached from here, then start it again";
}

/** Of a store outside AWS: its own message says what it refused. */
function hintElsewhere(secret: string, error: unknown): string {
  if (error instanceof OptionInvalid) return error.message;
  const { reason } = error instanceof UpstreamUnavailable ? error : { reason: undefined };
  const [scheme = ""] = secret.split(":");
  if (reason === "denied") return `look at the login and at the policy of ${scheme} for this secret`;
  if (reason === "notFound") return "look at the reference: there is no current value";
  return `look whether ${scheme} can be reached from here, and at the reference's field`;
}

/** What every command of ours ends with: what is wrong, and a next step; a terminal gives its width. */
export function failureLines(error: unknown, columns = Number.POSITIVE_INFINITY): readonly string[] {
  const tell = (word: string, text: string) => {
    const head = `rekey: ${word}: `;
    return wrap(text, columns - head.length).map(
      (line, at) => (at === 0 ? head : " ".repeat(head.length)) + line,
    );
  };
  if (!(error instanceof RekeyError)) return tell("error", "an unexpected failure");
  const { hint } = error as { hint?: string };
  return [...tell("error", error.message), ...(hint === undefined ? [] : tell("hint", hint))];
}
