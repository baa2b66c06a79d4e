import type { KeyId } from "../core/ports.ts";
import { issuerOf } from "./index.ts";

interface Named {
  readonly provider?: string;
  readonly keyId?: KeyId;
  /** Settings of the provider's account: `$PROJECT` in a command is its `project`. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface Manual {
  /** Where a person deletes the key, in words. */
  readonly place: string;
  /** The same as one command, which needs the admin key that it names. */
  readonly command?: string;
  /** What the command waits for first. */
  readonly asks?: string;
}

/** A key id comes from the provider, so one that a shell would not read as a single word is put in no command. */
export function manualOf({ provider, keyId, settings = {} }: Named): Manual {
  const known = issuerOf(provider)?.byHand;
  if (known?.console === undefined) {
    const where = provider === undefined ? "the provider's" : `${provider}'s`;
    return { place: `delete the key${keyId === undefined ? "" : ` ${keyId}`} in ${where} console` };
  }
  const place = `open ${known.console} and disable or delete ${keyId === undefined ? "the reported key" : `key ${keyId}`}`;
  if (known.command === undefined || keyId === undefined || !isWord(keyId)) return { place };
  const command = known.command
    .join(" ")
    .replaceAll("{keyId}", keyId)
    .replace(/\$([A-Z]+)\b/g, (whole, name) => settingOf(settings, name) ?? whole);
  const [unset, ...others] = [...command.matchAll(/\$([A-Z_]+)\b/g)].map(([, name = ""]) => name);
  if (unset === undefined) return { place, command };
  // A command works as it stands, or it is not printed: an admin key is pasted, and only that.
  if (others.length > 0 || !unset.endsWith("_KEY")) return { place };
  return {
    place,
    command: `read -rs ${unset} && ${command}`,
    asks: `paste ${unset}; the shell does not show it`,
  };
}

function settingOf(settings: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = settings[name.toLowerCase()];
  return isWord(value) ? value : undefined;
}

function isWord(value: unknown): value is string {
  return typeof value === "string" && /^[\w.-]{1,200}$/.test(value);
}

/** Where Rekey's own admin credentials are made at each provider. No API of ours deletes those. */
export function adminConsoleOf(provider: string | undefined): string {
  return issuerOf(provider)?.byHand.adminConsole ?? `the console of ${provider ?? "its provider"}`;
}
