import * as z from "zod";
import { whyNotAmong } from "../../../core/apply-plan.ts";
import { type Issued, intended, isOver, markIssued } from "../../../core/issue/issued.ts";
import {
  endsAtMs,
  type IssueOrder,
  type IssueTemplate,
  issuedPolicy,
  secretNameFor,
  whyNotIssue,
} from "../../../core/issue/template.ts";
import { nearest } from "../../../core/nearest.ts";
import { whyMayNotIssue } from "../../../core/orders.ts";
import type { Policy } from "../../../core/policy.ts";
import type { AdminDeps } from "../../deps.ts";
import { type Answer, adminCommand, type Caller, type RefusedAnswer, refused } from "../command.ts";
import { reasonText } from "../inputs.ts";
import { takeOn } from "./take-on.ts";

const lifeMsMin = 60_000;
const lifeMsMax = 3_650 * 86_400_000;

/**
 * Makes a new secret from a template: records the order, has the key and the secret made by the one function that may,
 * and adopts them under their policy. Given again after a crash or a lost reply, it goes on where it was.
 */
export const issue = adminCommand({
  input: z.strictObject({
    command: z.literal("issue"),
    template: z.string().min(1).max(64),
    name: z.string().min(1).max(64),
    owner: reasonText.max(128).optional(),
    endsAfterMs: z.int().min(lifeMsMin).max(lifeMsMax).optional(),
    dryRun: z.boolean().default(false),
  }),
  run: async ({ input, caller }, deps) => {
    const notTheirs = whyMayNotIssue(deps.issuers, caller.principal);
    if (notTheirs !== undefined)
      return refused({ ...notTheirs, hint: "the deployment says who may, in stages/<stage>.yml" });
    const found = await templateNamed(input.template, deps);
    if ("outcome" in found) return found;
    const { name, owner, endsAfterMs, dryRun } = input;
    const order = {
      ...{ name, atMs: caller.atMs },
      ...(owner !== undefined && { owner }),
      ...(endsAfterMs !== undefined && { endsAfterMs }),
    };
    const known = await deps.ledger.issued(name);
    if (known !== undefined && !isOver(known)) return goOn({ known, template: found, dryRun, caller }, deps);
    const policy = await plannedPolicy(found, order);
    const refusal = await whyRefused({ template: found, order, policy }, deps);
    if (refusal !== undefined) return refusal;
    if (dryRun) return planned(policy, found, order);
    const { principal: by, atMs } = caller;
    const id = `i-${caller.requestId.replaceAll(/[^A-Za-z0-9]/g, "").slice(0, 32)}`;
    const ends = endsAtMs(found, order);
    const started = intended(
      {
        ...{ ...order, id, by, atMs, policy, secretName: secretNameFor(found, name) },
        ...(ends !== undefined && { endsAtMs: ends }),
      },
      found,
    );
    // Whoever asked for the same name first has it.
    const issued = await deps.ledger.changeIssued(name, (now) =>
      now === undefined || isOver(now) ? started : now,
    );
    return issued.id === id
      ? carryOut(issued, deps)
      : goOn({ known: issued, template: found, dryRun, caller }, deps);
  },
});

async function templateNamed(named: string, { ledger }: AdminDeps): Promise<IssueTemplate | RefusedAnswer> {
  const template = await ledger.template(named);
  if (template !== undefined) return template;
  const names = (await ledger.templates()).map(({ name }) => name);
  const meant = nearest(named, names);
  return refused({
    reason: "UnknownTemplate",
    detail: `no policy file has a template called ${JSON.stringify(named)}`,
    hint:
      meant !== undefined
        ? `did you mean ${meant}?`
        : names.length === 0
          ? "none is declared: write one under `templates` of a policy file, and `rekey apply`"
          : `there are: ${names.join(", ")}`,
  });
}

/** The policy before its secret is there. */
function plannedPolicy(template: IssueTemplate, order: IssueOrder): Policy {
  const { name, owner } = order;
  return issuedPolicy(template, {
    ...{ name, secretArn: "", endsAtMs: endsAtMs(template, order) },
    ...(owner !== undefined && { owner }),
  });
}

interface Planned {
  readonly template: IssueTemplate;
  readonly order: IssueOrder;
  readonly policy: Policy;
}

/** Everything that would speak against it once the key is made. */
async function whyRefused(
  { template, order, policy }: Planned,
  deps: AdminDeps,
): Promise<RefusedAnswer | undefined> {
  const { capabilities } = deps.provider(policy);
  const keyless = await deps.ledger.federated();
  if (keyless.some(({ name }) => name === order.name))
    return refused({ reason: "NameTaken", detail: `${order.name} is declared as having no key` });
  const policies = await deps.ledger.policies();
  const every = await deps.ledger.everyIssued();
  const open = every.filter(
    ({ state, template: from }) => from === template.name && (state === "intended" || state === "made"),
  ).length;
  const refusal = whyNotIssue(template, order, { capabilities, policies, open });
  if (refusal !== undefined) return refused(refusal);
  const owned = policy.file === undefined ? [] : [policy.file];
  const among = whyNotAmong(policy, { stored: policies, wanted: [policy], files: owned });
  return among === undefined ? undefined : refused({ reason: "PolicyInvalid", detail: among });
}

function planned(policy: Policy, template: IssueTemplate, order: IssueOrder): Answer {
  const { provider, scopes, owner, issued, schedule } = policy;
  return {
    outcome: "planned",
    ...{ name: order.name, template: template.name, for: template.for },
    ...{ secretName: secretNameFor(template, order.name), provider: provider.account },
    ...{ scopes, owner, schedule, endsAtMs: issued?.endsAtMs, secondPerson: template.needsApproval },
  };
}

interface GoingOn {
  readonly known: Issued;
  readonly template: IssueTemplate;
  readonly dryRun: boolean;
  readonly caller: Caller;
}

/** The name is at work, or issued: a repeat of the same order gets the same secret, another order does not. */
async function goOn({ known, template, dryRun, caller }: GoingOn, deps: AdminDeps): Promise<Answer> {
  const { name, by, state } = known;
  if (known.template !== template.name || by !== caller.principal)
    return refused({
      reason: "NameTaken",
      detail: `${name} was issued from ${known.template ?? "no template"} by ${by}`,
    });
  if (state === "issued") return answerOf(known);
  if (state !== "intended" && state !== "made")
    return refused({
      reason: "Busy",
      detail: `${name} is being ended: it is free when its key is proven dead`,
    });
  return dryRun ? planned(known.policy, template, known) : carryOut(known, deps);
}

async function carryOut(issued: Issued, deps: AdminDeps): Promise<Answer> {
  const { name, state } = issued;
  if (state === "intended") await deps.issuer.make(name);
  const made = await deps.ledger.issued(name);
  if (made?.made === undefined || made.state === "undoing")
    return refused({ reason: "Busy", detail: `${name} was not made in time`, hint: "ask again in a minute" });
  await takeOn(made, made.made, deps);
  return answerOf(await deps.ledger.changeIssued(name, (now) => markIssued(now ?? made)));
}

function answerOf({ name, made, policy, secretName, endsAtMs: ends }: Issued): Answer {
  return {
    ...{ outcome: "issued", name, secretName, secretArn: made?.secretArn, keyId: made?.keyId },
    ...{ provider: policy.provider.account, owner: policy.owner, endsAtMs: ends },
  };
}
