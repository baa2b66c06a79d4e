import type { RestartEvidence } from "../core/adoption/evidence.ts";
import type { Fingerprint, SecretArn, VersionId } from "../core/ports.ts";
import { Secret } from "../core/secret.ts";
import { fingerprintOf } from "../events/fingerprint.ts";

type KeyVersion = { readonly versionId: VersionId; readonly fingerprint: Fingerprint };

export interface WiringQuestion {
  readonly secretArn: SecretArn;
  readonly retiring: KeyVersion;
  readonly incoming: KeyVersion;
}

/**
 * What a workload's definition gives to each instance that starts. `current`: this secret, or the incoming version or key
 * itself. `pinned`: another version of it, or the retiring key itself. `unseen`: the definition does not say.
 */
export interface Wiring {
  readonly reads: NonNullable<RestartEvidence["wiring"]>;
  readonly detail: string;
}

/** One thing that a definition gives: a reference to a secret, or a plain value. */
export interface Given {
  /** Such as the variable's name. */
  readonly name: string;
  readonly text: string;
  /** The version or label that the reference asks for, where it stands apart from the text. */
  readonly version?: string;
}

const labelRead = "AWSCURRENT";
const unseen: Wiring = {
  reads: "unseen",
  detail: "was restarted; its definition does not show which version of this secret an instance reads",
};

/** A plain value may be a key, so values are compared by fingerprint, and only their names are reported. */
export function wiringOf(given: readonly Given[], question: WiringQuestion): Wiring {
  const found = given.flatMap((each) => wiringIn(each, question) ?? []);
  return found.find(({ reads }) => reads === "pinned") ?? found[0] ?? unseen;
}

/** Combines several definitions: those that one start goes through, or that run beside each other. */
export function wiringOfAll(all: readonly Wiring[]): Wiring {
  const worst = all.find(({ reads }) => reads === "pinned") ?? all.find(({ reads }) => reads === "unseen");
  return worst ?? all[0] ?? unseen;
}

function wiringIn(given: Given, question: WiringQuestion): Wiring | undefined {
  const { name, text } = given;
  const { retiring, incoming } = question;
  const reference = referenceIn(given, question.secretArn);
  if (reference !== undefined) return wiringBy(reference, { name, incoming });
  if (text === incoming.versionId) return current(name);
  if (text === retiring.versionId) return pinned(`${name} names the version ${retiring.versionId}`);
  const fingerprint = fingerprintOf(new Secret(text.trim()));
  if (fingerprint === incoming.fingerprint) return current(name);
  return fingerprint === retiring.fingerprint ? pinned(`${name} holds the retiring key itself`) : undefined;
}

interface Reference {
  readonly label?: string;
  readonly versionId?: string;
}

/** `ARN`, `ARN:field:label:version` (where parts may be empty), or the secret's name. */
function referenceIn({ text, version }: Given, secretArn: SecretArn): Reference | undefined {
  const parts = text.split(":");
  const isName = text === nameIn(secretArn);
  if (!isName && !isSame(parts.slice(0, 7).join(":"), secretArn)) return undefined;
  if (version !== undefined) return asked(version);
  const [label = "", versionId = ""] = isName ? [] : parts.slice(8);
  return { ...(label !== "" && { label }), ...(versionId !== "" && { versionId }) };
}

/** External Secrets writes an id as `uuid/…`, and everything else is a label. */
function asked(version: string): Reference {
  return version.startsWith("uuid/") ? { versionId: version.slice("uuid/".length) } : { label: version };
}

/** AWS takes an ARN without its six random characters too. */
function isSame(arn: string, secretArn: SecretArn): boolean {
  return arn === secretArn || `${arn}${secretArn.slice(-7)}` === secretArn;
}

function nameIn(secretArn: SecretArn): string {
  return secretArn.split(":").slice(6).join(":").slice(0, -7);
}

function wiringBy(
  { label, versionId }: Reference,
  { name, incoming }: { readonly name: string; readonly incoming: KeyVersion },
): Wiring {
  if (versionId !== undefined && versionId !== incoming.versionId)
    return pinned(`${name} asks for the version ${versionId}`);
  if (versionId === undefined && label !== undefined && label !== labelRead)
    return pinned(`${name} asks for the version with the label ${label}`);
  return current(name);
}

function current(name: string): Wiring {
  return { reads: "current", detail: `each start reads the current version: ${name}` };
}

function pinned(why: string): Wiring {
  return { reads: "pinned", detail: `was restarted, and each start is given another version: ${why}` };
}
