import type { TwoPeopleRule } from "../../../core/orders.ts";
import { answerAdmin, type UrlAnswer } from "../../../functions/admin/answer.ts";
import type { AdminDeps } from "../../../functions/deps.ts";
import { envelopeOf, trustingSts } from "../../contract/admin-world.ts";
import type { World } from "../world/world.ts";

interface AdminOrder {
  readonly command: Readonly<Record<string, unknown>>;
  /** The AWS principal that signed it. */
  readonly principal: string;
  /** Who may ask and who may approve, where the deployment says so. */
  readonly twoPeople?: TwoPeopleRule;
  /** Also names the request, before the command asks for any. */
  newId(): string;
}

/** A person's command, as AWS hands it over with the name of whoever signed it. */
export function adminOrder(
  { command, principal, newId, twoPeople = "off" }: AdminOrder,
  world: World,
): Promise<UrlAnswer> {
  const iam = { userArn: principal };
  const requestContext = { requestId: newId(), timeEpoch: world.time.nowMs(), authorizer: { iam } };
  const deps = {
    ...world.depsOutside("admin"),
    schedules,
    newId,
    identifyCaller: trustingSts,
    twoPeople,
    issuers: [],
  };
  const order = JSON.stringify({ ...command, nonce: newId() });
  const body = envelopeOf(order, { principal, atMs: world.time.nowMs() });
  return answerAdmin({ body, requestContext }, deps);
}

const none = async () => undefined;
const schedules: AdminDeps["schedules"] = {
  target: { group: "rekey", machineArn: "", roleArn: "" },
  ...{ list: async () => [], put: none, remove: none },
};
