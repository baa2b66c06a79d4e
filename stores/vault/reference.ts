/**
 * `vault://<server>/<path>#<field>`: one field of one KV v2 secret. The server is a name of the deployment's, which says
 * its address, mount and login: a reference can lead to no other place.
 */
const form = /^vault:\/\/([a-z][a-z0-9-]{0,31})\/((?:[\w.-]{1,64}\/){0,8}[\w.-]{1,64})#([\w.-]{1,64})$/;

export interface VaultReference {
  readonly server: string;
  readonly path: string;
  readonly field: string;
}

export function parseReference(text: string): VaultReference | undefined {
  const [, server = "", path = "", field = ""] = form.exec(text) ?? [];
  // A path is part of a URL, in which these would lead to another one.
  const isPlain = path.split("/").every((part) => part !== "." && part !== "..");
  return server !== "" && isPlain ? { server, path, field } : undefined;
}

export function isReference(text: string): boolean {
  return text.startsWith("vault://");
}

export function referenceMistake(text: string): string | undefined {
  return parseReference(text) === undefined
    ? "a secret in Vault is vault://<server of the deployment>/<path>#<field>"
    : undefined;
}
