import { createHash } from "node:crypto";
import { MintOutcomeUnknown, NeedsHuman, ProviderUnavailable, QuotaReached } from "../../core/errors.ts";
import type { KeyProvider, ListedKey, MintRequest, ProviderCapabilities, Shape } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { type Fault, faultsOf } from "../../providers/fake-faults.ts";

interface Key {
  readonly id: string;
  readonly name: string;
  readonly text: string;
  readonly createdAtMs: number;
  disabled: boolean;
  /** From then on it is refused. */
  endsAtMs: number;
}

const endless = Number.POSITIVE_INFINITY;
const slotNames = ["key1", "key2"] as const;

/**
 * An issuer of every shape in one small model, for the rules that look at shapes: what a shape promises is shown here
 * before a real adapter has it, and the steps are tried on it.
 */
export function exampleProvider(shape: Shape) {
  const model = modelOf(shape);
  const { keys, add, listed, inject, advance } = model;
  if (shape.kind === "slots") for (const name of slotNames) regenerate(name, add);
  return {
    ...{ provider: providerOf(shape, model), add, inject, advance },
    disable: (keyId: string) => {
      const key = keys.get(keyId);
      if (key !== undefined) key.disabled = true;
    },
    textOf: (keyId: string) => new Secret(keys.get(keyId)?.text ?? ""),
    listed: () => listed().map(({ id }) => id),
  };
}

type Model = ReturnType<typeof modelOf>;

/** The keys, the time, and calls with the faults of the wire around them. */
function modelOf(shape: Shape) {
  const keys = new Map<string, Key>();
  const faults = faultsOf();
  let nowMs = Date.UTC(2026, 10, 22, 12);
  let made = 0;
  const isAlive = (key: Key) => nowMs < key.endsAtMs;

  function add(key: Partial<Key> = {}): Key {
    made += 1;
    const text = key.text ?? `ex-FAKE-${String(made).padStart(4, "0")}-${shape.kind}`;
    const id = key.id ?? `k${made}`;
    const fresh = { name: "by hand", createdAtMs: nowMs + made, disabled: false, endsAtMs: endless };
    const added = { ...fresh, ...key, id, text };
    keys.set(id, added);
    return added;
  }

  function call<Result>(operation: string, effect: () => Result): Result {
    let result: { readonly value: Result } | undefined;
    const sent = { method: "POST", path: `/${operation}`, query: new URLSearchParams(), headers: {} };
    const request = { ...sent, body: {} };
    const reply = faults.strike({ operation, request, nth: 1 }, () => {
      result = { value: effect() };
      return { status: 200, headers: {}, body: "{}" };
    });
    if (reply.status !== 200 || result === undefined)
      throw new ProviderUnavailable("the provider did not answer");
    return result.value;
  }

  return {
    ...{ shape, keys, add, isAlive, call },
    listed: () => [...keys.values()].filter(isAlive),
    inject: (...given: readonly Fault[]) => faults.inject(...given),
    advance: (ms: number) => {
      nowMs += ms;
    },
    nowMs: () => nowMs,
    newSecret: () => new Secret(`ex-FAKE-chosen-${made + 1}`),
  };
}

function providerOf(shape: Shape, model: Model): KeyProvider {
  const { keys, add, isAlive, call, listed, nowMs, newSecret } = model;
  const mint = mintsOf(model);
  return {
    capabilities: capabilitiesOf(shape),
    propagation: { activateMs: 0, dieMs: 0, deadProbes: 1, deadWindowMs: 0, probeEveryMs: 1, usageLagMs: 0 },
    ...(shape.kind === "clientSecret" && { newSecret }),
    neverIssued: () => new Secret("ex-FAKE-never-issued"),
    mint: async (request) => mint(request),
    list: async ({ namePrefix = "" } = {}) =>
      listed()
        .map(listedKey)
        .filter(({ name }) => name.startsWith(namePrefix)),
    find: async (keyId) =>
      listed()
        .map(listedKey)
        .find((key) => key.keyId === keyId),
    async verify(secret) {
      const key = [...keys.values()].find(({ text }) => text === secret.reveal());
      return key !== undefined && isAlive(key) && !key.disabled ? "valid" : "refused";
    },
    use: async () => undefined,
    quarantine: async () => "cannot",
    restore: async () => undefined,
    async revoke(keyId) {
      const key = listed().find(({ id }) => id === keyId);
      if (key === undefined) return "alreadyGone";
      call("revoke", () => {
        key.endsAtMs = nowMs();
        if (shape.kind === "slots" || shape.kind === "inPlace") regenerate(key.name, add);
      });
      return "revoked";
    },
    extend: async () => "cannot",
    candidates: async (secret) =>
      listed()
        .filter(({ text }) => text === secret.reveal())
        .map(listedKey),
  };
}

/** The place's name and what is in it: another key in the same place has another id. */
function regenerate(name: string, add: (key: Partial<Key>) => Key): Key {
  const text = `ex-FAKE-${name}-${Math.floor(1e9 * nextRandom())}`;
  return add({ name, text, id: `${name}:${createHash("sha256").update(text).digest("hex").slice(0, 16)}` });
}

let seed = 1;
function nextRandom(): number {
  seed = (seed * 16807) % 2147483647;
  return seed / 2147483647;
}

function mintsOf(world: Model) {
  const { shape, add, listed, call, nowMs } = world;
  const answered = (effect: () => Key) => {
    try {
      return call("mint", effect);
    } catch {
      throw new MintOutcomeUnknown("no usable answer to the mint");
    }
  };

  function make(request: MintRequest): Key {
    const { name, retiring, secret } = request;
    switch (shape.kind) {
      case "sideBySide":
        return answered(() => add({ name }));
      case "atMost":
        if (listed().length >= shape.keys) throw new QuotaReached("the provider refused another key");
        return answered(() => add({ name }));
      case "clientSecret": {
        const same = listed().find(({ text }) => text === secret?.reveal());
        return same ?? answered(() => add({ name, text: secret?.reveal() ?? "" }));
      }
      case "rotateWithGrace":
        return answered(() => {
          for (const key of listed()) if (key.id === retiring) key.endsAtMs = nowMs() + shape.graceMs;
          return add({ name });
        });
      case "slots":
        return mintInSlots(request);
      default:
        throw new NeedsHuman(`no call makes a key: ${shape.kind}`);
    }
  }

  function mintInSlots({ retiring, displaces }: MintRequest): Key {
    const idle = listed().filter(({ id }) => id !== retiring);
    const [key] = idle;
    if (key === undefined || idle.length !== 1) throw new NeedsHuman("no place holds the retiring key");
    if (displaces !== undefined && key.id !== displaces)
      throw new ProviderUnavailable("it holds another key");
    try {
      return call("mint", () => {
        key.endsAtMs = nowMs();
        return regenerate(key.name, add);
      });
    } catch {
      const after = listed().find(({ name, id }) => name === key.name && id !== key.id);
      if (after !== undefined) return after;
      throw new MintOutcomeUnknown("no usable answer to the mint");
    }
  }

  return (request: MintRequest) => {
    const { id, text } = make(request);
    return { keyId: id, secret: new Secret(text) };
  };
}

function listedKey({ id, name, text, createdAtMs, disabled }: Key): ListedKey {
  const status = disabled ? "disabled" : "active";
  return { keyId: id, name, status, createdAtMs, owner: "svc", fingerprint: fingerprintOf(new Secret(text)) };
}

function capabilitiesOf(shape: Shape): ProviderCapabilities {
  return {
    shape,
    quarantine: "no",
    quarantineContains: false,
    revoke: true,
    lastUsed: false,
    usagePerKey: false,
    expiry: false,
  };
}
