import { createHash, randomUUID } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import * as z from "zod";
import { type CallerProof, orderHeader, orderHeaderValue, proofRequest } from "../aws/caller-proof.ts";
import { NodeSha256 } from "../aws/node-sha256.ts";
import { jsonOrNothing } from "../core/json.ts";
import type { Answer } from "../functions/admin/command.ts";
import { CliFailure, exitCodes } from "./command.ts";

const replyWaitMsMax = 90_000;
const replyBytesMax = 4_194_304;
const loopback: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);

type Signing = Omit<ConstructorParameters<typeof SignatureV4>[0], "sha256" | "service">;

/** The deployment that an order is for. */
interface Deployment {
  readonly table: string;
  /** STS in a Region, as the deployment asks it too. */
  stsEndpoint(region: string): string;
}

const AnswerText = z.looseObject({ outcome: z.string() });

/** Calls the admin function's URL, signed with the caller's own credentials. So AWS decides who the caller is. */
export function adminClient(
  address: string,
  signing: Signing,
  deployment: Deployment,
): (command: Readonly<Record<string, unknown>>) => Promise<Answer> {
  const url = checkedUrl(address);
  const signer = new SignatureV4({ ...signing, service: "lambda", sha256: NodeSha256 });

  return async (command) => {
    const order = JSON.stringify({ ...command, nonce: randomUUID() });
    const body = JSON.stringify({ order, proof: await proofOf(order, signing, deployment) });
    const signed = await signer.sign({
      method: "POST",
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port !== "" && { port: Number(url.port) }),
      path: url.pathname,
      headers: { host: url.host, "content-type": "application/json" },
      body,
    });
    const reply = await fetch(url, {
      method: "POST",
      headers: signed.headers,
      body,
      redirect: "error",
      signal: AbortSignal.timeout(replyWaitMsMax),
    }).catch((error: unknown) => {
      throw unreachable(url, error);
    });
    return answerIn(await reply.text(), { status: reply.status, url });
  };
}

/**
 * A request for the caller's own name that is signed here and sent by the admin function, so that AWS tells it who
 * ordered. The signature covers the order and the deployment, and can be used for nothing else.
 */
export async function proofOf(
  order: string,
  signing: Signing,
  { table, stsEndpoint }: Deployment,
): Promise<CallerProof> {
  const region = typeof signing.region === "string" ? signing.region : await signing.region();
  const { host, hostname, port, protocol } = new URL(stsEndpoint(region));
  const sha256 = createHash("sha256").update(order).digest("hex");
  const signer = new SignatureV4({ ...signing, service: "sts", sha256: NodeSha256, applyChecksum: false });
  const { headers } = await signer.sign({
    ...{ method: proofRequest.method, protocol, hostname, path: proofRequest.path },
    ...(port !== "" && { port: Number(port) }),
    headers: {
      host,
      "content-type": proofRequest.contentType,
      [orderHeader]: orderHeaderValue({ table, sha256 }),
    },
    body: new URLSearchParams(proofRequest.form).toString(),
  });
  const securityToken = headers["x-amz-security-token"];
  return {
    authorization: headers["authorization"] ?? "",
    date: headers["x-amz-date"] ?? "",
    ...(securityToken !== undefined && { securityToken }),
  };
}

function checkedUrl(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && loopback.has(url.hostname));
  if (url !== undefined && isSafe) return url;
  throw new CliFailure("REKEY_ADMIN_URL is not an https address", {
    hint: "it is the function URL that the deployment printed",
    exitCode: exitCodes.usage,
  });
}

function answerIn(text: string, { status, url }: { readonly status: number; readonly url: URL }): Answer {
  const answer = text.length > replyBytesMax ? undefined : AnswerText.safeParse(jsonOrNothing(text)).data;
  if (answer !== undefined) return answer;
  if (status === 403) {
    throw new CliFailure("your AWS principal may not call the admin function", {
      hint: "ask for lambda:InvokeFunctionUrl on it; `aws sts get-caller-identity` shows who you are",
    });
  }
  throw new CliFailure(`the admin function at ${url.host} answered ${status} and no answer of its own`, {
    hint: "look at its log, then try again: a repeat is safe",
    exitCode: exitCodes.unreachable,
  });
}

function unreachable(url: URL, error: unknown): unknown {
  const name = typeof error === "object" && error !== null && "name" in error ? error.name : "";
  if (name !== "TimeoutError" && name !== "TypeError") return error;
  const what = name === "TimeoutError" ? `did not answer in ${replyWaitMsMax / 1000} s` : "cannot be reached";
  return new CliFailure(`the admin function at ${url.host} ${what}`, {
    hint: "try again: a repeat is safe",
    exitCode: exitCodes.unreachable,
  });
}
