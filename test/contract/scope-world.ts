import type { CloudTrailClient, LookupEventsCommand } from "@aws-sdk/client-cloudtrail";
import type { InstanceEvidence } from "../../core/adoption/evidence.ts";
import { ProviderUnavailable } from "../../core/errors.ts";
import type { Policy, ProviderPolicy } from "../../core/policy.ts";
import type { KeyUse, ListedKey } from "../../core/ports.ts";
import { cloudTrailScoper } from "../../functions/adapters/scope/scope.ts";
import type { Deps, ScopeQuestion } from "../../functions/deps.ts";
import { instancesIn } from "../../ledger/instances.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { memoryTable } from "../../ledger/memory.ts";
import { cloudTrail } from "../../local/aws/cloudtrail.ts";
import { cloudTrailRecord, userIdentityOf } from "../../local/aws/cloudtrail-record.ts";

export const noon = Date.parse("2026-11-22T12:00:00Z");
export const minute = 60_000;
export const account = "111122223333";
export const arnOf = (name: string) => `arn:aws:secretsmanager:eu-west-1:${account}:secret:${name}-FAKE00`;
export const billing = arnOf("billing");
export const roleOf = (role: string) => `arn:aws:iam::${account}:role/${role}`;
export const fingerprint = `sha256:${"ab".repeat(32)}`;

/** The event history, a provider and the ledger, as an incident finds them. */
export class ScopeWorld {
  readonly ledger = ledgerOn(memoryTable());
  nowMs = noon + 5 * minute;
  readonly pauses: number[] = [];
  lookups = 0;
  /** Every so many look-ups one is throttled; 0: none. */
  throttleEvery = 0;
  refusesLookups = false;
  keys: readonly ListedKey[] = [];
  use: KeyUse | undefined;
  /** The accounts as the scoper asked them. */
  readonly askedOf: ProviderPolicy[] = [];
  providerIsDown = false;
  readonly #trail = cloudTrail({});

  async policies(consumers: Policy["consumers"]): Promise<void> {
    const provider = { account: "main", kind: "openai", adminCredential: arnOf("admin"), settings: {} };
    const policy = { secretArn: billing, name: "billing", environment: "production", provider, consumers };
    await this.ledger.putPolicy(policy as unknown as Policy);
  }

  /** A role reads a secret: the read, and the decryption that goes with it. */
  read(
    role: string,
    secretId: string,
    options: { readonly atMs: number; readonly version?: string; readonly account?: string },
  ): void {
    const { atMs, version, account: from = account } = options;
    const arn = `arn:aws:sts::${from}:assumed-role/${role}/session`;
    const userIdentity = userIdentityOf({ accessKeyId: "ASIAFAKE", account: from, arn });
    const common = { awsRegion: "eu-west-1", readOnly: true, userIdentity };
    this.#trail.record(
      cloudTrailRecord(atMs, {
        ...common,
        ...{ eventSource: "secretsmanager.amazonaws.com", eventName: "GetSecretValue" },
        requestParameters: { secretId },
      }),
    );
    if (version === undefined) return;
    this.#trail.record(
      cloudTrailRecord(atMs, {
        ...common,
        ...{ eventSource: "kms.amazonaws.com", eventName: "Decrypt" },
        requestParameters: { encryptionContext: { SecretARN: secretId, SecretVersionId: version } },
      }),
    );
  }

  /** A read that was refused. */
  tried(role: string): void {
    const arn = `arn:aws:sts::${account}:assumed-role/${role}/session`;
    this.#trail.record(
      cloudTrailRecord(noon, {
        ...{ awsRegion: "eu-west-1", readOnly: true, errorCode: "AccessDenied" },
        ...{ eventSource: "secretsmanager.amazonaws.com", eventName: "GetSecretValue" },
        userIdentity: userIdentityOf({ accessKeyId: "ASIAFAKE", account, arn }),
        requestParameters: { secretId: billing },
      }),
    );
  }

  async report(consumer: string, evidence: Partial<InstanceEvidence>): Promise<void> {
    await instancesIn(this.ledger.documents).putInstance(billing, {
      ...{ kind: "client", consumer, instance: "i-1", environment: "production", account },
      ...{ observedAtMs: noon, sequence: 1, maxStaleMs: minute, ended: false, uses: [] },
      holds: { fingerprint, versionId: "version-1" },
      ...evidence,
    });
  }

  /** As one Lambda instance has it: incidents that ask the same one share what it read. */
  scoper() {
    return cloudTrailScoper(this.#client(), this.#deps());
  }

  scope(question: Partial<ScopeQuestion> = {}, scoper = this.scoper()) {
    return scoper.scope({
      incidentId: "i-1",
      keys: [{ keyId: "key_FAKE1", fingerprint, account: "main", secretArn: billing, promotedAtMs: noon }],
      secrets: [{ secretArn: billing, versionId: "version-1" }],
      ...{ sinceMs: noon - 60 * minute, untilMs: noon + 5 * minute, where: [], budgetMs: 10 * minute },
      ...question,
    });
  }

  #client(): Pick<CloudTrailClient, "send"> {
    const send = async ({ input }: LookupEventsCommand) => {
      this.lookups += 1;
      if (this.refusesLookups) throw Object.assign(new Error("no"), { name: "AccessDeniedException" });
      if (this.throttleEvery > 0 && this.lookups % this.throttleEvery === 0) {
        throw Object.assign(new Error("slower"), { name: "ThrottlingException" });
      }
      const seconds = (date: Date | undefined) => date && date.getTime() / 1000;
      const { StartTime, EndTime, NextToken, ...rest } = input;
      const answer = (await this.#trail.call(
        "LookupEvents",
        {
          ...rest,
          ...{ StartTime: seconds(StartTime), EndTime: seconds(EndTime) },
          ...(NextToken !== undefined && { NextToken }),
        },
        { accessKeyId: "", account, arn: "" },
      )) as { Events: { EventTime: number }[] };
      return {
        ...answer,
        Events: answer.Events.map((each) => ({ ...each, EventTime: new Date(each.EventTime * 1000) })),
      };
    };
    return { send } as unknown as Pick<CloudTrailClient, "send">;
  }

  #deps(): Pick<Deps, "ledger" | "provider" | "clock" | "log"> {
    const answer = <Value>(value: Value): Value => {
      if (this.providerIsDown) throw new ProviderUnavailable("the provider did not answer (ETIMEDOUT)");
      return value;
    };
    const provider = { use: async () => answer(this.use), list: async () => answer(this.keys) };
    return {
      ledger: this.ledger,
      provider: ({ provider: asked }) => {
        this.askedOf.push(asked);
        return provider as unknown as ReturnType<Deps["provider"]>;
      },
      clock: {
        nowMs: () => this.nowMs,
        pause: async (ms) => {
          this.pauses.push(ms);
          this.nowMs += ms;
        },
      },
      log: () => undefined,
    };
  }
}
