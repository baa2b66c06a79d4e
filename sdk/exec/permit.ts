import { setTimeout as pause } from "node:timers/promises";
import type { KeyVersion } from "../client/consumer-report.ts";
import type { Environment, Fetch } from "../client/credentials.ts";
import { type CredentialSource, credentialChain } from "../client/credentials.ts";
import { ignore } from "../client/errors.ts";
import { sign } from "../client/sigv4.ts";

/** What an instance asks: may it stop its program now? Sent as JSON to the permit function's URL. */
export interface PermitRequest {
  schema: 1;
  /** `done`: its program is ready again. `failed`: it is not, and the next one had better not try. */
  action: "ask" | "done" | "failed";
  secretArn: string;
  consumer: string;
  instance: string;
  /** The version that the restart is for. */
  versionId: string;
}

export interface PermitAnswer {
  outcome: "granted" | "wait" | "refused" | "noted";
  /** When to ask again. */
  retryMs?: number;
  reason?: string;
}

export interface PermitOptions {
  url: string | undefined;
  env: Environment;
  fetch: Fetch;
  consumer: string;
  instance: string;
  /** Without a permit for as long, `withoutPermit` says what happens. */
  maxMs: number;
  /** `stay`: the command keeps its key and the question goes on, so that the retiring key stays alive. */
  withoutPermit: "stay" | "restart";
  /** Before a restart without a permit a random part of this goes by. */
  spreadMs: number;
  random(): number;
  log(text: string): void;
}

export interface Permits {
  /** Settles when the program may be stopped; rejects only when `signal` aborts. */
  ask(version: KeyVersion, signal: AbortSignal): Promise<void>;
  /** Gives the permit back; a failure to do so is left to the permit's own end. */
  giveBack(version: KeyVersion, action: "done" | "failed"): Promise<void>;
}

const answerMaxMs = 5_000;
const retryMinMs = 1_000;
const retryMaxMs = 60_000;

/**
 * Hosts cannot see each other, and would all restart at the announcement. So each asks for a permit first. If all of
 * them restarted when nobody answers, all could be down at once: so they keep what they have, say so, and go on asking.
 * Where nobody was named to ask, a random wait spreads the restarts.
 */
export function createPermits(options: PermitOptions): Permits {
  const { url, maxMs, withoutPermit, spreadMs, random, log } = options;
  const send = url === undefined ? undefined : sender(url, options);
  const requestFor = (action: PermitRequest["action"], { arn, versionId }: KeyVersion): PermitRequest => ({
    ...{ schema: 1, action, secretArn: arn, versionId },
    ...{ consumer: options.consumer, instance: options.instance },
  });

  const spread = async (signal: AbortSignal): Promise<void> => {
    const delayMs = Math.round(spreadMs * random());
    log(`restarts in ${Math.ceil(delayMs / 1_000)} s, without a permit`);
    await pause(delayMs, undefined, { signal });
  };

  return {
    async ask(version, signal) {
      if (!send) return spread(signal);
      const untilMs = performance.now() + maxMs;
      let silent = 0;
      let said = "";
      let isTold = false;
      // Everybody hears of a rotation at once, and should not ask at once.
      await pause(Math.round(retryMinMs * random()), undefined, { signal });
      while (!signal.aborted) {
        if (performance.now() >= untilMs && !isTold) {
          isTold = true;
          log(`had no permit within ${Math.round(maxMs / 1_000)} s: ${said || "nobody answered"}`);
          if (withoutPermit === "restart") return spread(signal);
          log("the command keeps its key, so the retiring key stays alive; asks on once a minute");
        }
        const answer = await send(requestFor("ask", version)).catch(ignore);
        if (answer?.outcome === "granted") return;
        silent = answer ? 0 : silent + 1;
        const now = answer
          ? (answer.reason ?? "other instances restart first")
          : "the permit function does not answer";
        if (now !== said) log(`waits for a permit: ${now}`);
        said = now;
        const wishMs = answer?.retryMs ?? retryMinMs * 2 ** Math.min(silent, 6);
        const remainingMs = Math.max(untilMs - performance.now(), 1);
        const delayMs = isTold ? retryMaxMs : Math.min(Math.max(wishMs, retryMinMs), retryMaxMs, remainingMs);
        await pause(delayMs * (0.8 + 0.2 * random()), undefined, { signal });
      }
      signal.throwIfAborted();
    },
    async giveBack(version, action) {
      await send?.(requestFor(action, version)).catch(() =>
        log("could not give its permit back; it ends by itself"),
      );
    },
  };
}

/** A signed request to a function URL: AWS tells the function who sent it. */
function sender(address: string, { env, fetch }: PermitOptions) {
  const url = new URL(address);
  const region = /\.lambda-url\.([\w-]+)\./.exec(url.hostname)?.[1] ?? env["AWS_REGION"] ?? "us-east-1";
  const credentials: CredentialSource = credentialChain({ env, fetch, wallMs: () => Date.now() });
  return async (request: PermitRequest): Promise<PermitAnswer> => {
    const body = JSON.stringify(request);
    const headers = sign({
      ...{ method: "POST", url, body, service: "lambda", region },
      headers: { "content-type": "application/json" },
      credentials: await credentials(),
      nowMs: Date.now(),
    });
    const response = await fetch(address, {
      ...{ method: "POST", headers, body, redirect: "error" },
      signal: AbortSignal.timeout(answerMaxMs),
    });
    const answer = (await response.json()) as Partial<PermitAnswer>;
    const { outcome, retryMs, reason } = answer;
    if (outcome === undefined && response.status === 403)
      return { outcome: "refused", reason: "AWS does not allow this role to ask it (403)" };
    if (outcome !== "granted" && outcome !== "wait" && outcome !== "refused" && outcome !== "noted") {
      throw new Error("no answer of a permit function");
    }
    return {
      outcome,
      ...(typeof retryMs === "number" && { retryMs }),
      ...(typeof reason === "string" && { reason: reason.replace(/[^\w .,:;/@'-]/g, "").slice(0, 200) }),
    };
  };
}
