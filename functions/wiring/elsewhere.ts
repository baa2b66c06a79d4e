import { randomUUID } from "node:crypto";
import { type Elsewhere, hostsIn } from "../../consumers/reach.ts";
import { boundedHttp } from "../../providers/http.ts";
import { keyIn } from "../../stores/value.ts";
import { type Base, settings } from "./base.ts";

/** The way to workloads that AWS does not run: only to hosts that the deployment lists. */
export function elsewhere({ store, clock }: Base): Elsewhere {
  const { refreshAllowed, allowLoopbackProviders: allowLoopback } = settings();
  return {
    http: boundedHttp({ allowHosts: hostsIn(refreshAllowed), allowLoopback }),
    read: async (secretArn) => keyIn((await store.read(secretArn)).text),
    newNonce: randomUUID,
    pause: clock.pause,
  };
}
