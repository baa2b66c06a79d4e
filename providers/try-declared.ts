import { RotationError } from "../core/errors.ts";
import type { KeyProvider, MintedKey } from "../core/ports.ts";
import { Secret } from "../core/secret.ts";
import { connected } from "./connect.ts";
import { connectPlan } from "./http/adapter.ts";
import type { DeclaredKind } from "./http/declared.ts";
import { declaredFake } from "./http/fake.ts";
import { boundedHttp, type Http } from "./http.ts";
import type { ProviderKind } from "./provider.ts";

export interface Trial {
  readonly kind: DeclaredKind;
  readonly settings: Readonly<Record<string, unknown>>;
  /** The address of a server that speaks this API; without it, a stand-in that the declaration drives. */
  readonly against?: string | undefined;
  /** A working admin credential for `against`; without it one is made up, and only refusals are tried. */
  readonly credential?: Secret | undefined;
  readonly pause: (ms: number) => Promise<void>;
}

export interface Tried {
  readonly check: string;
  readonly outcome: "ok" | "failed" | "skipped";
  /** Why it failed or was skipped; holds no text of a reply. */
  readonly detail?: string;
}

export function isDeclared(kind: ProviderKind | undefined): kind is DeclaredKind {
  return kind !== undefined && "plan" in kind;
}

const madeUp = "made-up-FAKE-0123456789";

/** The promises of the contract suite that can be tried on one account without harm: every key it makes, it deletes. */
export async function tryDeclared(trial: Trial): Promise<readonly Tried[]> {
  const { credential, against } = trial;
  const { http, settings, adminKey } = worldOf(trial);
  const provider = providerOf(trial, { http, settings, credential: credential ?? new Secret(adminKey) });
  const stranger = providerOf(trial, { http, settings, credential: new Secret(madeUp) });
  const refusals = [
    await attempt("a made-up key is refused", async () => {
      const answer = await provider.verify(new Secret(madeUp));
      return answer === "refused" ? undefined : `verify says ${answer}: look at the rows of the verify table`;
    }),
    await attempt("a made-up admin credential is refused", async () => {
      const outcome = await stranger.list().catch((error: unknown) => error);
      const isRefused = outcome instanceof RotationError && outcome.name === "AdminCredentialRefused";
      return isRefused ? undefined : `list says ${outcome instanceof Error ? outcome.name : "a list"}`;
    }),
  ];
  if (against !== undefined && credential === undefined) {
    const detail = "needs a working admin credential: --credential";
    return [...refusals, { check: "a key is made, used and deleted", outcome: "skipped", detail }];
  }
  return [...refusals, ...(await lifeOfAKey(provider, trial))];
}

function worldOf({ kind, settings, against }: Trial) {
  const origin = against?.replace(/\/$/, "");
  const at = origin ?? "http://127.0.0.1:1";
  const there = { ...settings, baseUrl: at, keyBaseUrl: at, tokenBaseUrl: at };
  const plan = kind.plan(there);
  const fake = declaredFake(plan)({});
  const http =
    origin === undefined ? fake.http() : boundedHttp({ allowHosts: kind.hosts(there), allowLoopback: true });
  return { http, settings: there, adminKey: fake.adminKey };
}

function providerOf(
  { kind }: Trial,
  world: { readonly http: Http; readonly settings: unknown; readonly credential: Secret },
): KeyProvider {
  const { http, settings, credential } = world;
  const adapter = { connect: () => connectPlan(kind.plan(settings), { admin, http }) };
  const admin = { get: async () => credential, refused: () => undefined };
  return connected(kind, adapter, { settings, admin, http });
}

/** A failed step ends the life early, except that the key is deleted all the same. */
async function lifeOfAKey(provider: KeyProvider, { pause }: Trial): Promise<readonly Tried[]> {
  const name = `rekey provider test ${Math.floor(Date.now() / 1000)}`;
  const { newSecret, propagation, capabilities } = provider;
  const tried: Tried[] = [];
  let key: MintedKey | undefined;
  const step = async (check: string, work: () => Promise<string | undefined>) =>
    void tried.push(await attempt(check, work));

  await step("a key is made", async () => {
    key = await provider.mint({ name, ...(newSecret !== undefined && { secret: newSecret() }) });
    return undefined;
  });
  const made = key;
  if (made === undefined) return tried;
  await step("it is listed by its name", async () => {
    const [only, ...more] = await provider.list({ namePrefix: name });
    return only?.keyId === made.keyId && more.length === 0 ? undefined : "the list does not show it once";
  });
  await step("it is valid", () =>
    becomes("valid", { provider, made, pause, withinMs: propagation.activateMs }),
  );
  if (capabilities.quarantine !== "no") {
    await step("it is disabled and restored", async () => {
      const outcome = await provider.quarantine({ keyId: made.keyId });
      const disabled = (await provider.find(made.keyId))?.status;
      await provider.restore({ keyId: made.keyId });
      const restored = (await provider.find(made.keyId))?.status;
      const isSo = outcome === "quarantined" && disabled === "disabled" && restored === "active";
      return isSo ? undefined : `it was ${outcome}, then listed as ${disabled}, then as ${restored}`;
    });
  }
  await step("it is deleted", async () => {
    const outcome = await provider.revoke(made.keyId);
    return outcome === "revoked" ? undefined : `revoke says ${outcome}`;
  });
  await step("a second deletion finds it gone", async () => {
    const outcome = await provider.revoke(made.keyId);
    return outcome === "alreadyGone" ? undefined : `revoke says ${outcome}`;
  });
  await step("it is refused", () =>
    becomes("refused", { provider, made, pause, withinMs: propagation.dieMs }),
  );
  return tried;
}

const probeMs = 5_000;

async function becomes(
  wanted: "valid" | "refused",
  probe: {
    readonly provider: KeyProvider;
    readonly made: MintedKey;
    readonly pause: Trial["pause"];
    readonly withinMs: number;
  },
): Promise<string | undefined> {
  const { provider, made, pause, withinMs } = probe;
  for (let waitedMs = 0; ; waitedMs += probeMs) {
    const answer = await provider.verify(made.secret);
    if (answer === wanted) return undefined;
    if (waitedMs >= withinMs) return `verify still says ${answer} after ${Math.round(withinMs / 1000)} s`;
    await pause(probeMs);
  }
}

/** Only our own errors are told: their messages hold no text of a reply. */
async function attempt(check: string, work: () => Promise<string | undefined>): Promise<Tried> {
  try {
    const detail = await work();
    return detail === undefined ? { check, outcome: "ok" } : { check, outcome: "failed", detail };
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    return { check, outcome: "failed", detail: `${error.name}: ${error.message}` };
  }
}
