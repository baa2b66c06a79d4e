import * as z from "zod";
import { together } from "../../../consumers/together.ts";
import { AccountBusy, PolicyInvalid } from "../../../core/errors.ts";
import { issuedFileOf, reissued } from "../../../core/issue/template.ts";
import type { Policy } from "../../../core/policy.ts";
import { isName } from "../../../events/policy-file/schema.ts";
import { policiesInFiles } from "../../../events/policy-files.ts";
import { declaredKinds } from "../../../providers/declared-kinds.ts";
import { stores } from "../../../stores/index.ts";
import type { AdminDeps } from "../../deps.ts";
import { holdsIssuedKey } from "../../key-index/without-keys.ts";
import { whenFree } from "../../secret/when-free.ts";
import { adminCommand, type RefusedAnswer, refused } from "../command.ts";
import { secretText } from "../inputs.ts";
import { applyFederated, mistakesOfFederated, planFederated } from "./apply-federated.ts";
import { applyTemplates } from "./apply-templates.ts";
import { cachedListing } from "./cached-listing.ts";
import { mistakesOfCopies } from "./check-copies.ts";
import { checksOf } from "./check-secret.ts";
import { type Applied, workOn } from "./one-secret.ts";
import { type Named, type Part, partOf, removeOrphans } from "./view.ts";

const secretsMax = 5_000;
const filesMax = 200;
const atOnceMax = 8;
/** Well below the function's time-out. Secrets that were not reached are named, and the next request handles them. */
const applyMsMax = 15_000;

const input = z.strictObject({
  command: z.literal("apply"),
  /** Policy files as plain data: the CLI parses the YAML. */
  files: z
    .array(z.strictObject({ path: z.string().min(1).max(1024), data: z.record(z.string(), z.unknown()) }))
    .min(1)
    .max(filesMax),
  dryRun: z.boolean().default(false),
  /** Remove the secrets that these files declared before and no longer do. */
  prune: z.boolean().default(false),
  /** Names of files that these take the place of. */
  replaces: z.array(z.string().refine(isName, "is no name of a file")).max(filesMax).default([]),
  /** Secrets that an earlier request for the same files has handled. */
  reached: z.array(secretText).max(secretsMax).default([]),
  /** Of a dry run: which secret of an earlier request holds which key, by its fingerprint. */
  held: z.record(z.string().regex(/^sha256:[0-9a-f]{64}$/), secretText).default({}),
});

const keyInFile = refused({
  reason: "PolicyInvalid",
  detail: "the policy file holds what looks like a key",
  hint: "keys belong in the secret store: take it out of the file, and report it if others could read it",
});

/**
 * Brings policies and schedules in line with the files, and adopts the keys as they are. Each secret is handled on
 * its own: if one fails it keeps what it had, and the others go on. A dry run checks the same and writes nothing.
 */
export const apply = adminCommand({
  input,
  findsKeys: true,
  run: async ({ input: order, caller }, deps) => {
    const startedAtMs = deps.clock.nowMs();
    if (holdsIssuedKey(order.files)) return keyInFile;
    const read = policiesInFiles(
      order.files.map(({ path, data }) => ({ path, value: data })),
      { kinds: declaredKinds, stores, nowMs: caller.atMs },
    );
    if ("mistakes" in read) return invalid(read.mistakes.map(({ path, message }) => `${path}: ${message}`));
    const { environment, templates } = read;
    if (environment !== deps.environment) return otherEnvironment(environment, deps);
    const stored = await deps.ledger.policies();
    const policies = [...read.policies, ...reissued(stored, templates)];
    const owned = [...read.names, ...order.replaces];
    const keyless = { ...read, names: owned, prune: order.prune };
    const mistakes = [
      ...(await mistakesOfFederated(keyless, { stored, ledger: deps.ledger })),
      ...mistakesOfProviders(policies, deps),
      ...mistakesOfCopies({ policies, stored }, deps),
    ];
    if (mistakes.length > 0) return invalid(mistakes);

    const ownership = { files: [...owned, ...owned.map(issuedFileOf)], prune: order.prune };
    const part = await partOf(
      { stored, policies, ownership, reached: order.reached, nowMs: caller.atMs },
      deps,
    );
    const { view, plan } = part;
    const common = { view, plan, caller, adminSeen: new Map<string, Promise<void>>() };
    const listed = cachedListing(deps);
    const checks = order.dryRun ? checksOf({ ...common, held: order.held }, listed) : undefined;
    const work = checks?.work ?? workOn(common, listed);
    const secrets = await handled({ part, startedAtMs, work }, deps);
    if (checks !== undefined) {
      const checked = { environment, plan, secrets: checks.withoutShared(secrets), held: checks.held() };
      const federated = await planFederated(keyless, deps);
      return { outcome: isFinished(secrets) ? "planned" : "notFinished", ...checked, federated };
    }
    if (part.later.length === 0) await removeOrphans(view, deps);
    await applyTemplates({ templates, names: owned }, deps);
    const federated = isFinished(secrets) ? await applyFederated({ ...keyless, caller }, deps) : [];
    return { outcome: outcomeOf(secrets), environment, secrets, federated };
  },
});

interface Handling {
  readonly part: Part;
  readonly startedAtMs: number;
  work(secret: Named): Promise<Applied>;
}

/** The secrets of this part, for as long as one request may take: at least one, so that every request gets on. */
async function handled({ part, startedAtMs, work }: Handling, { clock }: AdminDeps) {
  const [first] = part.secrets;
  const applied = await together(part.secrets, {
    atOnceMax,
    work: async (each): Promise<Applied> => {
      const untilMs = startedAtMs + applyMsMax;
      if (clock.nowMs() >= untilMs && each !== first) return notReached(each);
      try {
        const { secretArn } = each;
        return await whenFree({ functionName: "apply", secretArn, untilMs }, { clock }, () => work(each));
      } catch (error) {
        if (!(error instanceof AccountBusy)) throw error;
        return { ...notReached(each), reason: error.message };
      }
    },
  });
  return [...applied, ...part.later.map(notReached)];
}

function notReached(secret: Named): Applied {
  return { ...secret, outcome: "notReached" };
}

function invalid(mistakes: readonly string[]): RefusedAnswer {
  const detail =
    mistakes.length === 1 ? String(mistakes[0]) : `${mistakes.length} mistakes: ${mistakes.join("; ")}`;
  return { ...refused({ reason: "PolicyInvalid", detail: detail.slice(0, 2_000) }), mistakes };
}

function otherEnvironment(environment: string, deps: AdminDeps): RefusedAnswer {
  return refused({
    reason: "PolicyInvalid",
    detail: `the file is for ${environment}, and this deployment is ${deps.environment}`,
    hint: "set REKEY_ADMIN_URL to the deployment that the file is for",
  });
}

/** An account whose credentials may not be sent where its settings say is refused with everything else in the file. */
function mistakesOfProviders(policies: readonly Policy[], deps: AdminDeps): readonly string[] {
  const accounts = new Map(policies.map((policy) => [policy.provider.account, policy]));
  return [...accounts.values()].flatMap((policy) => {
    try {
      deps.provider(policy);
      return [];
    } catch (error) {
      if (error instanceof PolicyInvalid) return [error.message];
      throw error;
    }
  });
}

function isFinished(secrets: readonly Applied[]): boolean {
  return secrets.every(({ outcome }) => outcome !== "notReached");
}

function outcomeOf(secrets: readonly Applied[]): "applied" | "partly" | "notFinished" {
  if (!isFinished(secrets)) return "notFinished";
  return secrets.some(({ outcome }) => outcome === "failed") ? "partly" : "applied";
}
