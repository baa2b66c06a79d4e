/**
 * `azure://<vault>/<secret>`: the vault is a name of the deployment's, which says its address and how to log in. Key Vault
 * takes `Openai` and `openai` for one secret, so only one of the two is a reference.
 */
const form = /^azure:\/\/([a-z][a-z0-9-]{0,31})\/([0-9a-z-]{1,112})$/;

/** What is staged for a secret is in a secret of its own beside it, which no consumer may read. */
const pendingSuffix = "-rekey-pending";

export interface AzureReference {
  readonly vault: string;
  readonly secret: string;
  /** The name beside it. */
  readonly pending: string;
}

export function parseReference(text: string): AzureReference | undefined {
  const [, vault = "", secret = ""] = form.exec(text) ?? [];
  if (vault === "" || secret.endsWith(pendingSuffix)) return undefined;
  return { vault, secret, pending: `${secret}${pendingSuffix}` };
}

export function isReference(text: string): boolean {
  return text.startsWith("azure://");
}

export function referenceMistake(text: string): string | undefined {
  return parseReference(text) === undefined
    ? `write azure://<vault>/<secret>, in lower case and without ${pendingSuffix}`
    : undefined;
}
