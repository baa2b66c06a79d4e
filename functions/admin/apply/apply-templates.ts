import { orderedText } from "../../../core/apply-plan.ts";
import { type IssueTemplate, issuedFileOf } from "../../../core/issue/template.ts";
import type { AdminDeps } from "../../deps.ts";

/** Keeps the templates of these files, and drops those that they no longer have: nothing new is issued from them. */
export async function applyTemplates(
  { templates, names }: { readonly templates: readonly IssueTemplate[]; readonly names: readonly string[] },
  { ledger }: Pick<AdminDeps, "ledger">,
): Promise<void> {
  const files = new Set(names.map(issuedFileOf));
  const stored = await ledger.templates();
  for (const template of templates) {
    const before = stored.find(({ name }) => name === template.name);
    if (orderedText(before) !== orderedText(template)) await ledger.putTemplate(template);
  }
  for (const { name, policy } of stored)
    if (files.has(policy.file ?? "") && !templates.some((each) => each.name === name))
      await ledger.removeTemplate(name);
}
