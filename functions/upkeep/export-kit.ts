import * as z from "zod";
import { deploymentChain } from "../../audit/chain.ts";
import type { KitDeps } from "../deps.ts";
import { gatherKit, packKit, sameness } from "../sealed-kit/contents.ts";
import { type KitAnswer, type KitEntry, kitEntryAt, newestKitAt } from "../sealed-kit/entries.ts";
import type { Handler } from "../step.ts";
import { kitWiring } from "../wiring/sealed-kit.ts";

/** So that a kit never says nothing of what happened in the last day, also where nothing that it needs has changed. */
const ageMaxMs = 24 * 3_600_000;
/** A function may answer with 6 MB. */
const handOverCharactersMax = 5_000_000;

const asked = z.looseObject({ handOver: z.boolean().default(false) });

export const handler: Handler = (event) => exportKit(asked.parse(event ?? {}), kitWiring());

/**
 * Seals what containing a key needs for the day when this Region does not answer, and puts it into another one. A kit
 * is made anew when a policy, a key or an admin credential has changed, once a day in any case, and when a person asks.
 */
export async function exportKit({ handOver }: z.output<typeof asked>, deps: KitDeps): Promise<KitAnswer> {
  const { kit, ledger, clock, digest, environment } = deps;
  if (kit === undefined) return said({ outcome: "notConfigured" } as const, deps);
  const atMs = clock.nowMs();
  const { providerHosts, allowLoopback } = deps;
  const gathered = await gatherKit({ environment, providerHosts: [...providerHosts], allowLoopback }, deps);
  const contentSha256 = digest.sha256Hex(`${JSON.stringify(kit.groups)} ${sameness(gathered)}`);
  const before = await ledger.documents.read<KitEntry>(newestKitAt);
  const isSame = before?.contentSha256 === contentSha256 && atMs - before.exportedAtMs < ageMaxMs;
  if (isSame && !handOver) return said({ outcome: "unchanged", kitId: before.kitId } as const, deps);
  const kitId = deps.newId();
  const { bytes, publicKey } = packKit(gathered, { kitId, exportedAtMs: atMs });
  const { sealTo } = await import("../sealed-kit/seal.ts");
  const sealed = await sealTo(kit.groups, bytes);
  const sha256 = digest.sha256Hex(sealed);
  const secrets = gathered.policies.length;
  const entry: KitEntry = { kitId, exportedAtMs: atMs, contentSha256, sha256, publicKey, secrets };
  // Before the kit leaves: a kit of which the ledger knows nothing could not be reconciled with it.
  await ledger.documents.write(kitEntryAt(kitId), entry);
  await kit.put({ name: `rekey-${environment}.kit.age`, sealed });
  await ledger.documents.write(newestKitAt, entry);
  await deps.audit.append(deploymentChain, {
    id: `kit/${kitId}`,
    ...{ atMs, actor: "export-kit", action: "KitExported" },
    detail: { kitId, sha256, secrets, credentials: Object.keys(gathered.credentials).length },
  });
  const whole = handOver && sealed.length <= handOverCharactersMax ? { sealed } : {};
  await said({ outcome: "exported", kitId } as const, deps);
  return { outcome: "exported" as const, kitId, sha256, secrets, exportedAtMs: atMs, ...whole };
}

function said<Said extends { readonly outcome: string; readonly kitId?: string }>(
  said: Said,
  { log }: Pick<KitDeps, "log">,
): Said {
  log({ step: "export-kit", ...said });
  return said;
}
