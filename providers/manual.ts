import type { KeyId } from "../core/ports.ts";

interface Recipe {
  readonly console: string;
  /** The words of a command; `{keyId}` stands for the key. Absent where only the console can do it. */
  readonly command?: readonly string[];
}

/** How a person kills a key where no API of ours does, from the providers' own documentation of 2026-11. */
const manuals: Readonly<Record<string, Recipe>> = {
  openai: {
    console: "https://platform.openai.com/settings/organization/api-keys",
    command: [
      "curl -X DELETE",
      '"https://api.openai.com/v1/organization/projects/$PROJECT/api_keys/{keyId}"',
      '-H "Authorization: Bearer $OPENAI_ADMIN_KEY"',
    ],
  },
  anthropic: {
    console: "https://platform.claude.com/settings/keys",
    command: [
      'curl "https://api.anthropic.com/v1/organizations/api_keys/{keyId}"',
      '-H "x-api-key: $ANTHROPIC_ADMIN_KEY" -H "anthropic-version: 2023-06-01"',
      `-H "content-type: application/json" -d '{"status":"inactive"}'`,
    ],
  },
  "azure-openai": {
    console: "https://portal.azure.com",
    command: [
      "az cognitiveservices account keys regenerate",
      "--name $ACCOUNT --resource-group $GROUP --key-name {keyId}",
    ],
  },
  google: {
    console: "https://console.cloud.google.com/apis/credentials",
    command: ["gcloud services api-keys delete {keyId} --project $PROJECT"],
  },
  openrouter: {
    console: "https://openrouter.ai/settings/keys",
    command: [
      'curl -X DELETE "https://openrouter.ai/api/v1/keys/{keyId}"',
      '-H "Authorization: Bearer $OPENROUTER_MANAGEMENT_KEY"',
    ],
  },
  bedrock: {
    console: "https://console.aws.amazon.com/iam",
    command: [
      "aws iam update-service-specific-credential --user-name $USER_NAME",
      "--service-specific-credential-id {keyId} --status Inactive",
    ],
  },
  iam: {
    console: "https://console.aws.amazon.com/iam",
    command: ["aws iam update-access-key --user-name $USER_NAME --access-key-id {keyId} --status Inactive"],
  },
  xai: { console: "https://console.x.ai" },
  cohere: { console: "https://dashboard.cohere.com/api-keys" },
  groq: { console: "https://console.groq.com/keys" },
  together: { console: "https://api.together.ai/settings/api-keys" },
  github: { console: "https://github.com/settings/tokens" },
};

interface Named {
  readonly provider?: string;
  readonly keyId?: KeyId;
  /** Of the provider's account: `$PROJECT` in a command is its `project`. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface Manual {
  /** Where a person deletes the key, in words. */
  readonly place: string;
  /** The same as one command, which needs the admin key that it names. */
  readonly command?: string;
}

/** A key id is the provider's word: one that a shell would read as more than that is put in no command. */
export function manualOf({ provider, keyId, settings = {} }: Named): Manual {
  const known = provider !== undefined && Object.hasOwn(manuals, provider) ? manuals[provider] : undefined;
  if (known === undefined) {
    const where = provider === undefined ? "the provider's" : `${provider}'s`;
    return { place: `delete the key${keyId === undefined ? "" : ` ${keyId}`} in ${where} console` };
  }
  const place = `open ${known.console} and disable or delete ${keyId === undefined ? "the reported key" : `key ${keyId}`}`;
  if (known.command === undefined || keyId === undefined || !isWord(keyId)) return { place };
  const command = known.command.join(" ").replaceAll("{keyId}", keyId);
  return {
    place,
    command: command.replace(/\$([A-Z]+)\b/g, (whole, name) => settingOf(settings, name) ?? whole),
  };
}

function settingOf(settings: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = settings[name.toLowerCase()];
  return isWord(value) ? value : undefined;
}

function isWord(value: unknown): value is string {
  return typeof value === "string" && /^[\w.-]{1,200}$/.test(value);
}

export function killByHand(key: Named): readonly string[] {
  const { command, place } = manualOf(key);
  return [...(command === undefined ? [] : [command]), `by hand: ${place}`];
}

/** Where the credentials are made with which Rekey itself works at a provider; no API of ours deletes those. */
const adminConsoles: Readonly<Record<string, string>> = {
  openai: "https://platform.openai.com/settings/organization/admin-keys",
};

export function adminConsoleOf(provider: string | undefined): string {
  const known = provider !== undefined && Object.hasOwn(adminConsoles, provider);
  return (known && adminConsoles[provider]) || `the console of ${provider ?? "its provider"}`;
}
