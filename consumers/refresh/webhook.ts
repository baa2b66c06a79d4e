import { createHmac } from "node:crypto";
import { InputInvalid, ProviderUnavailable } from "../../core/errors.ts";
import type { Refresher } from "../ports.ts";
import type { Reach } from "../reach.ts";
import { newsOf, once } from "./once.ts";

/**
 * A signed POST to `<https address>#<ARN of the secret with the signing key>`. The receiver checks the
 * signature (HMAC-SHA-256 of `<timestamp>.<nonce>.<body>` in hex), refuses old timestamps and nonces it has
 * seen, and recognises a repeat by the version's id: after a crash the same news is sent again with a new
 * nonce.
 */
export function webhook({ http, read, newNonce }: Pick<Reach, "http" | "read" | "newNonce">): Refresher {
  return {
    refresh: (order) =>
      once(order, async () => {
        const { url, keyArn } = targetOf(order.consumer.refresh.target ?? "");
        const body = newsOf(order);
        const key = await read(keyArn);
        const timestamp = String(Math.floor(order.nowMs / 1000));
        const nonce = newNonce();
        const signed = `${timestamp}.${nonce}.${JSON.stringify(body)}`;
        const signature = createHmac("sha256", key.reveal()).update(signed).digest("hex");
        const headers = {
          "rekey-timestamp": timestamp,
          "rekey-nonce": nonce,
          "rekey-signature": `v1=${signature}`,
        };
        const { status } = await http.send({ method: "POST", url, headers, body });
        if (status < 200 || status > 299) throw new ProviderUnavailable(`the webhook answered ${status}`);
        return { started: `webhook ${nonce}`, detail: `the webhook answered ${status}` };
      }),
  };
}

function targetOf(target: string): { readonly url: string; readonly keyArn: string } {
  const [url = "", keyArn = ""] = target.split("#");
  if (keyArn.startsWith("arn:")) return { url, keyArn };
  throw new InputInvalid("a webhook's target is its address, # and the ARN of its signing key's secret");
}
