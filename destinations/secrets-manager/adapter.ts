import { createHash } from "node:crypto";
import type { CopySeen } from "../../core/copies/destination.ts";
import { CopyRefused, ProviderUnavailable, SecretUnusable } from "../../core/errors.ts";
import type { StoredVersion, VersionId } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { keyIn, withKey } from "../../stores/value.ts";
import { wrongPlace } from "../api.ts";
import { placeRefusal } from "../aws-calls.ts";
import { type ConnectOptions, type DestinationCalls, parseSettings } from "../destination.ts";
import { asDestination } from "../store-errors.ts";
import { secretsManagerSettings } from "./settings.ts";

export function connect({ settings, environment, aws }: ConnectOptions): DestinationCalls {
  const { secret: secretArn, holds, role } = parseSettings(secretsManagerSettings, settings);
  const region = secretArn.split(":")[3] ?? "";
  const place = { region, role };
  const store = aws.secrets(place);
  const fieldOf = (name: string) => (holds === "json" ? name : undefined);

  async function currentValue(
    name: string,
  ): Promise<{ readonly stored: StoredVersion; readonly value?: Secret }> {
    const stored = await store.current(secretArn);
    const value = valueIn(stored.text, fieldOf(name));
    return { stored, ...(value && { value }) };
  }

  return {
    whyNotHere: () =>
      placeRefusal(() =>
        asDestination(async () => {
          const { Environment: tagged } = await aws.tags(place, secretArn);
          return tagged === environment
            ? undefined
            : wrongPlace(`the tag Environment of ${secretArn} is ${tagged ?? "missing"}, not ${environment}`);
        }),
      ),

    look: (name) =>
      asDestination(async (): Promise<CopySeen> => {
        const { stored, value } = await currentValue(name);
        const guard = stored.versionId;
        return value === undefined ? { guard } : { mark: stored.versionId, guard };
      }),

    read: (name) =>
      asDestination(async () => {
        const { value } = await currentValue(name);
        return value && fingerprintOf(value);
      }),

    write: ({ name, text, versionId, seen }) =>
      asDestination(async () => {
        const { stored, value } = await currentValue(name);
        if (value !== undefined && fingerprintOf(value) === fingerprintOf(text)) return stored.versionId;
        if (stored.versionId !== seen.guard) throw new ProviderUnavailable("the secret changed meanwhile");
        const next = holds === "json" ? withField(stored.text, name, text) : text;
        const to = versionFor({ secretArn, name, versionId, after: stored.versionId });
        await store.write({ secretArn, versionId: to, text: next });
        const outcome = await store.promote({ secretArn, from: stored.versionId, to });
        // Takes Rekey's mark off; the version stays current if it became so.
        await store.discard({ secretArn, versionId: to });
        if (outcome === "heldElsewhere") throw new ProviderUnavailable("the secret changed meanwhile");
        return to;
      }),

    activate: async () => undefined,

    use: async () => ({ state: "active", detail: "readers are given it at their next read" }),
  };
}

function valueIn(text: Secret, field: string | undefined): Secret | undefined {
  try {
    return keyIn(text, field);
  } catch (error) {
    if (error instanceof SecretUnusable) return undefined;
    throw error;
  }
}

/** Every other byte stays as it was. A field that is not there yet goes to the end. */
function withField(text: Secret, field: string, value: Secret): Secret {
  if (valueIn(text, field) !== undefined) return withKey(text, field, value);
  const json = text.reveal();
  const fields = fieldsIn(json);
  if (fields === undefined)
    throw new CopyRefused("the secret's value is no JSON object, so it has no fields");
  if (fields.includes(field)) throw new CopyRefused(`the secret's field "${field}" is not a text`);
  const member = `${JSON.stringify(field)}:${JSON.stringify(value.reveal())}`;
  const head = json.slice(0, json.lastIndexOf("}"));
  return new Secret(fields.length === 0 ? `{${member}}` : `${head.trimEnd()},${member}}`);
}

function fieldsIn(json: string): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(json);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? Object.keys(value) : undefined;
  } catch {
    return undefined; // a parser's message quotes the text
  }
}

/** Always the same for one copy after one version, so that a repeat writes the same version. */
function versionFor(copy: {
  readonly secretArn: string;
  readonly name: string;
  readonly versionId: VersionId;
  readonly after: VersionId;
}): VersionId {
  const text = ["copy", copy.secretArn, copy.name, copy.versionId, copy.after].join("\n");
  const hex = createHash("sha256").update(text).digest("hex");
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`];
  return [...parts, hex.slice(20, 32)].join("-");
}
