import type { Clock } from "../../core/ports.ts";
import { signatureHeader, signEnvelope } from "../../events/intake/edge/signed-envelope.ts";
import type { Http } from "../../providers/http.ts";
import type { AdminCredential } from "../../providers/provider.ts";
import type { SendReport } from "../deps.ts";

/** Sends a report as any sender does, signed over the bytes that are sent. */
export function reportSender(options: {
  readonly http: Http;
  /** The intake's public address, without a slash at its end. */
  readonly url: string;
  readonly secret: AdminCredential;
  readonly clock: Pick<Clock, "nowMs">;
  newNonce(): string;
}): SendReport {
  const { http, url, secret, clock, newNonce } = options;
  return async (body) => {
    const signed = {
      secret: await secret.get(),
      body: JSON.stringify(body),
      nowMs: clock.nowMs(),
      nonce: newNonce(),
    };
    const headers = { [signatureHeader]: signEnvelope(signed) };
    const reply = await http.send({ method: "POST", url: `${url}/intake/report`, headers, body });
    if (reply.status === 401 || reply.status === 403) secret.refused();
    return reply.status;
  };
}
