import { randomUUID } from "node:crypto";
import { type Elsewhere, hostsIn } from "../../../consumers/reach.ts";
import { boundedHttp } from "../../../providers/http.ts";
import { keyIn } from "../../../stores/value.ts";
import type { Deps } from "../../deps.ts";
import { settings } from "../settings.ts";

/** Access to workloads outside AWS, limited to hosts that the deployment lists. */
export function elsewhere({ store, clock }: Deps): Elsewhere {
  const { refreshAllowed, allowLoopbackProviders: allowLoopback } = settings();
  return {
    http: boundedHttp({ allowHosts: hostsIn(refreshAllowed), allowLoopback }),
    read: async (secretArn) => keyIn((await store.current(secretArn)).text),
    newNonce: randomUUID,
    pause: clock.pause,
  };
}
