/**
 * `google://<project>/<secret>`: the project is a name of the deployment's, which says its number and how to log in, so
 * that a reference can lead to no other place.
 */
const form = /^google:\/\/([a-z][a-z0-9-]{0,31})\/([\w-]{1,255})$/;

export interface GoogleReference {
  readonly project: string;
  readonly secret: string;
}

export function parseReference(text: string): GoogleReference | undefined {
  const [, project = "", secret = ""] = form.exec(text) ?? [];
  return project === "" ? undefined : { project, secret };
}

export function isReference(text: string): boolean {
  return text.startsWith("google://");
}

export function referenceMistake(text: string): string | undefined {
  return parseReference(text) === undefined
    ? "a secret of Google Secret Manager is google://<project of the deployment>/<secret>"
    : undefined;
}
