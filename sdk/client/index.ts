import { OptionInvalid, RekeyClosed } from "./errors.ts";
import { createKey, type Key, type OpenKey, type OpenRequest } from "./key.ts";
import { type RekeyOptions, settingsFrom } from "./options.ts";

export type { IsAuthFailure } from "./attempt.ts";
export type { Clock } from "./clock.ts";
export type { Cause, ConsumerReport, KeyVersion, UseReport } from "./consumer-report.ts";
export type { CredentialSource } from "./credentials.ts";
export {
  CredentialsMissing,
  KeyTooStale,
  KeyUnreadable,
  OptionInvalid,
  RekeyClosed,
  RekeyError,
  UpstreamUnavailable,
} from "./errors.ts";
export type { Key, OpenRequest, Outcome } from "./key.ts";
export type { LogLine, RekeyOptions } from "./options.ts";
export type { Credentials } from "./sigv4.ts";
export type { Calls, Reading, ReportEntry, Transport } from "./transport.ts";

export interface Rekey {
  /**
   * The handle of one key; the same one for the same secret and field. When this resolves, `get()` works.
   * Rejects with `UpstreamUnavailable`, `KeyUnreadable`, `KeyTooStale` or `CredentialsMissing`.
   */
  open(request: OpenRequest): Promise<Key>;
  /**
   * Passes in a `SecretVersionPromoted` event, however it arrived: it only makes the client check the secret
   * soon.
   */
  announced(event: unknown): void;
  /** Waits until no report is being sent. */
  flush(): Promise<void>;
  /** Sends a last report, stops all timers and drops the keys. */
  close(): Promise<void>;
}

/** Far more than one program uses: it stops a mistake such as opening one secret for each request. */
const keysMax = 1_000;

export function createRekey(options: RekeyOptions): Rekey {
  const settings = settingsFrom(options);
  const keys = new Map<string, OpenKey>();
  const all = (work: (key: OpenKey) => Promise<void>) => Promise.all([...keys.values()].map(work));
  let isClosed = false;

  return {
    async open(request) {
      if (isClosed) throw new RekeyClosed("this client is closed");
      if (typeof request?.secret !== "string" || !request.secret)
        throw new OptionInvalid("open() needs { secret }: a name or an ARN, as text");
      const id = `${request.secret} ${request.field}`;
      const key = keys.get(id) ?? createKey(settings, request);
      if (keys.set(id, key).size > keysMax)
        throw new OptionInvalid(`more than ${keysMax} secrets were opened`);
      await key.ready();
      return key;
    },
    announced(event) {
      const { detail = event } = (event ?? {}) as { detail?: unknown };
      const { secretArn } = (detail ?? {}) as { secretArn?: unknown };
      for (const key of keys.values()) key.announced(secretArn);
    },
    async flush() {
      await all((key) => key.flush());
    },
    async close() {
      isClosed = true;
      await all((key) => key.close());
      keys.clear();
    },
  };
}
