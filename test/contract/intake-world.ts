import { createHash, createHmac } from "node:crypto";
import { auditLog } from "../../audit/chain.ts";
import { intakeChains } from "../../audit/intake-log.ts";
import { StoreUnavailable } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";
import type { Acknowledgement } from "../../events/acknowledgement.ts";
import type { KeyCompromised } from "../../events/compromise.ts";
import { signatureHeader, signEnvelope } from "../../events/intake/edge/signed-envelope.ts";
import { refusalCounts, signingSecrets } from "../../functions/adapters/intake.ts";
import { answer, type UrlAnswer } from "../../functions/alerts/intake.ts";
import type { IntakeDeps, LogLine } from "../../functions/deps.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { memoryTable } from "../../ledger/memory.ts";
import { memoryStore } from "../../stores/secrets-manager/fake.ts";
import { tableUnderRole } from "../under-role.ts";

export const noon = Date.parse("2026-11-22T12:00:00Z");
const arnOf = (source: string) =>
  `arn:aws:secretsmanager:eu-west-1:111122223333:secret:intake/${source}-FAKE00`;
export const leakedKey = "sk-proj-FAKEfakeFAKEfakeFAKEfake0001";

export interface Post {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  readonly path?: string;
  readonly method?: string;
}

/** The intake on a table and a store in memory; what it put on the bus is kept. */
export class IntakeWorld {
  readonly table = memoryTable();
  readonly store = memoryStore();
  readonly published: KeyCompromised[] = [];
  readonly acknowledged: Acknowledgement[] = [];
  readonly logs: LogLine[] = [];
  readonly audit = auditLog({
    table: tableUnderRole("intake", this.table),
    digest: { sha256Hex },
    now: () => this.nowMs,
  });
  /** What GitHub answers; nothing when it does not answer in time. */
  github: (url: string) => unknown = () => undefined;
  busIsDown = false;
  nowMs = noon;
  #requests = 0;
  readonly #deps: IntakeDeps;

  constructor(parts: Partial<IntakeDeps> = {}) {
    const clock = { nowMs: () => this.nowMs, pause: async () => undefined };
    for (const source of ["github", "report", "slack", "pagerduty"])
      this.store.create(arnOf(source), `FAKE-signing-${source}`);
    this.#deps = {
      ledger: ledgerOn(tableUnderRole("intake", this.table)),
      audit: this.audit,
      clock,
      signing: signingSecrets(
        Object.fromEntries(["github", "report", "slack", "pagerduty"].map((name) => [name, arnOf(name)])),
        { store: this.store, clock },
      ),
      slackUsers: ["T0FAKE/U0FAKE"],
      alerts: {
        publishAck: async (ack) => void this.acknowledged.push(ack),
        publish: async (alerts) => {
          if (this.busIsDown) throw new StoreUnavailable("the alert bus did not take the alerts");
          this.published.push(...alerts);
        },
      },
      pointed: {
        apiBases: ["https://api.github.com"],
        read: async (url) => {
          const alert = this.github(url);
          return alert === undefined ? undefined : Buffer.from(JSON.stringify(alert));
        },
      },
      countRefusal: refusalCounts(clock),
      log: (line) => void this.logs.push(line),
      ...parts,
    };
  }

  /** One request, as a function URL hands it over. */
  post({ headers, body, path = "/intake/report", method = "POST" }: Post): Promise<UrlAnswer> {
    this.#requests += 1;
    const event = {
      version: "2.0",
      rawPath: path,
      headers,
      body: Buffer.from(body).toString("base64"),
      isBase64Encoded: true,
      requestContext: { requestId: `request-${this.#requests}`, http: { method, sourceIp: "203.0.113.7" } },
    };
    return answer(event, this.#deps);
  }

  /** A report signed as its sender signs it. */
  signed(
    alerts: unknown,
    options: { readonly secret?: string; readonly nonce?: string; readonly atMs?: number } = {},
  ): Post {
    const {
      secret = "FAKE-signing-report",
      nonce = `FAKEnonceFAKEnonce${this.#requests}`,
      atMs = this.nowMs,
    } = options;
    const body = typeof alerts === "string" ? alerts : JSON.stringify({ alerts });
    const header = signEnvelope({ secret: new Secret(secret), body, nowMs: atMs, nonce });
    return { headers: { [signatureHeader.toLowerCase()]: header }, body };
  }

  githubPost(body: Buffer, guid = "11111111-2222-3333-4444-555555555555"): Post {
    const hmac = createHmac("sha256", "FAKE-signing-github").update(body).digest("hex");
    const headers = {
      "x-github-event": "secret_scanning_alert",
      "x-github-delivery": guid,
      "x-hub-signature-256": `sha256=${hmac}`,
    };
    return { headers, body, path: "/intake/github" };
  }

  rotateSigning(source: string, text: string): void {
    this.store.setCurrent(arnOf(source), text);
  }

  async audited(): Promise<readonly string[]> {
    const chains = await Promise.all(intakeChains.map((chain) => Array.fromAsync(this.audit.entries(chain))));
    const number = ({ id }: { readonly id: string }) => Number(id.split("-").at(-1));
    const entries = chains.flat().sort((one, other) => number(one) - number(other));
    return entries.map(({ action, detail }) =>
      [action, detail["source"], detail["reason"]].filter(Boolean).join(" "),
    );
  }

  /** Everything that was stored, published or logged, as text. */
  everything(): string {
    return JSON.stringify([this.table.dump(), this.published, this.logs]);
  }
}

function sha256Hex(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
