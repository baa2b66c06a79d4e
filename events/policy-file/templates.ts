import { type IssueTemplate, issuedFileOf, namePlace } from "../../core/issue/template.ts";
import { type Mistake, readBlock } from "./block.ts";
import type { Defaults } from "./defaults.ts";
import type { Path } from "./document.ts";
import { isName, TemplateBlock } from "./schema.ts";
import { policyFrom, type Surroundings } from "./secret-policy.ts";

const atMostDefault = 20;
/** Stands for `{name}` where a field takes no braces, while the block is checked. */
const token = "NAME0OF0THE0SECRET";

function replacedIn<Value>(value: Value, text: string, by: string): Value {
  return JSON.parse(JSON.stringify(value).replaceAll(text, by)) as Value;
}

/** The templates of a file, each with a policy as whole as a secret's. */
export function templatesIn(
  blocks: Readonly<Record<string, unknown>>,
  around: Surroundings,
  defaults: Defaults,
): { readonly templates: readonly IssueTemplate[]; readonly mistakes: readonly Mistake[] } {
  const templates: IssueTemplate[] = [];
  const mistakes: Mistake[] = [];
  for (const [name, raw] of Object.entries(blocks)) {
    const root: Path = ["templates", name];
    const at = (path: Path, message: string): Mistake => ({
      path: [...root, ...path],
      part: "value",
      message,
    });
    if (!isName(name))
      mistakes.push({ path: root, part: "key", message: "this cannot be a template's name" });
    const read = readBlock(TemplateBlock, defaults.under(withToken(raw)), root);
    mistakes.push(...read.mistakes);
    if (read.value === undefined) continue;
    const { for: recipient, secret: secretName, endsAfter, atMost, secondPerson, ...block } = read.value;
    if (recipient === undefined)
      mistakes.push(at(["for"], "for is missing: application, agent, developer or environment"));
    if (secretName === undefined)
      mistakes.push(at(["secret"], `secret is missing: the new secret's name, with ${namePlace}`));
    const checked = policyFrom({ name: token, block }, around);
    // Its secret is still to be made.
    const further = checked.mistakes.filter(({ path: [field] }) => field !== "arn");
    mistakes.push(...further.map(({ path, message }) => at(path, message)));
    if (recipient === undefined || secretName === undefined) continue;
    templates.push({
      ...{ name, for: recipient, secretName, atMost: atMost ?? atMostDefault },
      needsApproval: secondPerson ?? false,
      ...(endsAfter !== undefined && { endsAfterMs: endsAfter }),
      policy: {
        ...replacedIn(checked.policy, token, namePlace),
        secretArn: "",
        file: issuedFileOf(around.file),
      },
    });
  }
  return { templates, mistakes };
}

/** The secret's own name is the one text in which the place is written as it is. */
function withToken(raw: unknown): unknown {
  if (typeof raw !== "object" || raw === null) return raw;
  const { secret, ...others } = raw as Readonly<Record<string, unknown>>;
  return { ...replacedIn(others, namePlace, token), ...(secret !== undefined && { secret }) };
}
