import type { DeclaredSecret } from "../agent/secrets.ts";
import { createCache } from "../client/cache.ts";
import type { Cause, KeyVersion } from "../client/consumer-report.ts";
import { ignore } from "../client/errors.ts";
import type { RekeyOptions } from "../client/index.ts";
import { settingsFrom } from "../client/options.ts";
import { signerOf } from "../client/proof.ts";
import { createReporter } from "../client/report.ts";
import { createWatch } from "../client/watch.ts";

export interface HeldKey {
  /** The newest version that was read. */
  version(): KeyVersion;
  text(): string;
  /** From now on reports say this version: the one that the command was started with, not the newest. */
  tell(version: KeyVersion, cause: Cause): void;
  /** Says that nothing holds the key any more. */
  tellEnd(): void;
  /** Called when another version was read. */
  onChange(listen: () => void): void;
  /** Called at each look that fails once the key was last confirmed longer than `maxStaleMs` ago. */
  onStale(listen: () => void): void;
  flush(): Promise<void>;
  close(): void;
}

/** A key that a command holds: kept current here, and reported as the command has it. */
export async function openKey(options: RekeyOptions, request: DeclaredSecret): Promise<HeldKey> {
  const settings = settingsFrom({ ...options, kind: "exec" });
  let told: KeyVersion | undefined;
  let changed: () => void = ignore;
  let stale: () => void = ignore;

  const beat = async (): Promise<void> => {
    await cache.check().catch(ignore);
    if (cache.isClosed()) return;
    if (cache.ageMs() > settings.maxStaleMs) stale();
    if (told && (watch.isOpen() || reporter.isDue(watch.everyMs()))) reporter.send("heartbeat");
  };
  const watch = createWatch(settings, beat);
  const cache = createCache(settings, request, {
    described: watch.described,
    changed: ({ versionId }) => {
      if (!versionId) return;
      const { arn, versionId: next } = cache.version();
      settings.log("changed", arn, `${versionId} to ${next}`);
      watch.news();
      changed();
    },
  });
  // What the command does with its key nobody sees: no uses.
  const reporter = createReporter(settings, () => {
    const version = told ?? cache.version();
    return { ...version, uses: [], sign: signerOf(version) };
  });

  await cache.read();
  watch.start();
  return {
    version: cache.version,
    text: cache.text,
    tell(version, cause) {
      told = version;
      reporter.send(cause);
    },
    tellEnd: () => reporter.send("stopping"),
    onChange: (listen) => {
      changed = listen;
    },
    onStale: (listen) => {
      stale = listen;
    },
    flush: async () => reporter.flush(),
    close() {
      watch.stop();
      cache.close();
    },
  };
}
