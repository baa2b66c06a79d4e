import type { Cause, ConsumerReport, KeyVersion, UseReport } from "./consumer-report.ts";
import { about, isPassing, UpstreamUnavailable } from "./errors.ts";
import { type Reads, withDeadline } from "./flight.ts";
import type { Settings } from "./options.ts";
import type { Sign } from "./proof.ts";
import { type ReportEntry, reasonOf } from "./transport.ts";

type Told = KeyVersion & { uses: UseReport[]; sign: Sign | undefined; takeReads?: () => Reads };

/**
 * Sends one report at a time and never throws: the consumer's own work matters more. A failed report is sent
 * once more with the next heartbeat.
 */
export function createReporter(settings: Settings, read: () => Told) {
  const { consumer, reportBus, now, log, warn, transport, heartbeatEveryMs } = settings;
  let sending: Promise<void> | undefined;
  let owed: Cause | undefined;
  let attemptedAt = -Infinity;

  const sendOwed = async (): Promise<void> => {
    while (owed) {
      const cause = owed;
      const told = read();
      owed = undefined;
      attemptedAt = now();
      try {
        const input = { Entries: [entryOf(settings, { cause, told })] as [ReportEntry] };
        const put = (signal: AbortSignal) => transport("AWSEvents.PutEvents", input, signal);
        const { FailedEntryCount, Entries } = await withDeadline(settings, put);
        const code = /^\w+$/.exec(`${Entries?.[0]?.ErrorCode}`)?.[0];
        if (FailedEntryCount) throw new UpstreamUnavailable(reasonOf(`200 ${code}`), { code });
      } catch (error) {
        const known = about(error, `report bus ${reportBus}`);
        // What passes is sent again; a wrong bus or a missing right stays until somebody hears of it.
        const text = `${known.message}; until then Rekey counts ${consumer} as silent and revokes nothing`;
        if (isPassing(known)) log("reportFailed", told.arn, known.message);
        else warn("reportFailed", told.arn, text);
        owed ??= cause;
        return;
      }
    }
  };

  return {
    /**
     * Whether something new is not reported yet, or the heartbeat would be late if nothing were sent for
     * another `nextMs`.
     */
    isDue: (nextMs: number): boolean =>
      !!reportBus && (!!owed || now() - attemptedAt + nextMs > heartbeatEveryMs),
    /** Settles when no report is being sent any more; never rejects. */
    flush: async () => sending,
    /** Starts sending. If a report is being sent already, the next report will cover this. */
    send(cause: Cause): void {
      if (!reportBus) {
        warn("notReporting", read().arn, `no reportBus: Rekey cannot see that ${consumer} uses it`);
        return;
      }
      if (cause !== "heartbeat" || !owed) owed = cause;
      sending ??= sendOwed().finally(() => {
        sending = undefined;
      });
    },
  };
}

export type Reporter = ReturnType<typeof createReporter>;

function entryOf(settings: Settings, { cause, told }: { cause: Cause; told: Told }): ReportEntry {
  const { kind, consumer, instance, maxStaleMs, nextSequence, clock, reportBus = "" } = settings;
  const { arn, fingerprint, versionId, uses, sign } = told;
  const reads = told.takeReads?.();
  const report: ConsumerReport = {
    schema: 1,
    kind,
    consumer,
    instance: instance(),
    secretArn: arn,
    holds: { fingerprint, versionId },
    uses,
    cause,
    sequence: nextSequence(),
    maxStaleMs,
    sdk: "rekey-client/0.1.0",
  };
  if (reads?.ms.length || reads?.failed) report.reads = reads;
  if (sign) report.proof = sign(report, clock.wallMs());
  return {
    EventBusName: reportBus,
    Source: `rekey.consumer.${consumer}`,
    DetailType: "ConsumerReport",
    Resources: [arn],
    Detail: JSON.stringify(report),
  };
}
