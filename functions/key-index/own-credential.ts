import type { KeyInScope, KeyRole, OwnRole } from "../../core/incident/record.ts";
import type { Policy } from "../../core/policy.ts";
import type { SecretArn } from "../../core/ports.ts";
import type { Holder } from "./identify-key.ts";

/**
 * The worst first: with one of the first two, an attacker needs no other key. A key that Rekey rotates is
 * contained automatically, whatever else it is used for.
 */
const worstFirst: readonly KeyRole[] = [
  ...(["admin", "intake", "rotated"] as const),
  ...(["githubToken", "pagerdutyKey", "slackWebhook", "auditCollector", "index"] as const),
];

/** One key may be in several secrets for several purposes: the worst purpose says what has leaked. */
export function worstHolder(holders: readonly Holder[]): Holder | undefined {
  const rank = ({ role }: Holder) => worstFirst.indexOf(role);
  return [...holders].sort((a, b) => rank(a) - rank(b))[0];
}

const whatItIs: Readonly<Record<Exclude<OwnRole, "admin">, string>> = {
  intake: "the intake's signing secret",
  githubToken: "the token that reads GitHub's alerts,",
  pagerdutyKey: "the PagerDuty key of the pages,",
  slackWebhook: "the Slack webhook of the pages,",
  auditCollector: "the token with which the audit log is pushed,",
};

const namesShownMax = 5;

/** What one of Rekey's own credentials is, for people, by the present policies. */
export function ownCredential(
  { role, secretArn }: { readonly role: OwnRole; readonly secretArn: SecretArn },
  policies: readonly Policy[],
): Pick<KeyInScope, "what" | "provider" | "account"> {
  if (role !== "admin") return { what: `${whatItIs[role]} ${nameIn(secretArn)}` };
  const served = policies.filter(
    ({ provider, isAdminCredential }) => provider.adminCredential === secretArn && isAdminCredential !== true,
  );
  const [first] = served;
  if (first === undefined)
    return { what: `an admin credential of no policy any more (${nameIn(secretArn)})` };
  const names = served.slice(0, namesShownMax).map(({ name }) => name);
  const more = served.length > names.length ? ` and ${served.length - names.length} more` : "";
  const { kind: provider, account } = first.provider;
  return { what: `the ${provider} admin credential of ${names.join(", ")}${more}`, provider, account };
}

/** Without the six characters that AWS appends to a secret's name. */
function nameIn(secretArn: SecretArn): string {
  return (secretArn.split(":secret:")[1] ?? secretArn).replace(/-[A-Za-z0-9]{6}$/, "");
}
