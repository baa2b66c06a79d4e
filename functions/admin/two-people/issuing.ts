import { durationText } from "../../../core/duration.ts";
import { secretNameFor } from "../../../core/issue/template.ts";
import type { AdminDeps } from "../../deps.ts";
import type { Given, What } from "./what.ts";

/** Only a template that says so asks for a second person: most new keys can do less than their template's maker allowed. */
export async function issuing(given: Given, deps: AdminDeps): Promise<What | undefined> {
  const { template: named, name, owner, endsAfterMs, dryRun } = given;
  if (dryRun === true) return undefined;
  const template = await deps.ledger.template(String(named));
  if (template === undefined || !template.needsApproval) return undefined;
  const known = await deps.ledger.issued(String(name));
  if (known?.state === "issued") return undefined;
  const ends = typeof endsAfterMs === "number" ? endsAfterMs : template.endsAfterMs;
  return {
    order: `issue a new key from the template ${template.name}, for ${template.for}`,
    ...{ name: String(name), secret: secretNameFor(template, String(name)) },
    ...{ provider: template.policy.provider.account, scopes: template.policy.scopes?.join(" ") ?? "all" },
    ...{
      owner: String(owner ?? template.policy.owner ?? "nobody"),
      ends: ends === undefined ? "never" : durationText(ends),
    },
  };
}
