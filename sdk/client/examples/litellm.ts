import type { Key, Rekey } from "../index.ts";

export interface Gateway {
  /** The proxy's address, such as `https://litellm.internal`. */
  url: string;
  /** The proxy's own admin key, which may be rotated too. */
  adminKey: Key;
  /** The `model_info.id` of every deployment that uses the provider's key. */
  modelIds: readonly string[];
  /** A model of those deployments, for the trial call. */
  model: string;
  fetch?: typeof fetch;
  pause?: (ms: number) => Promise<void>;
}

/** A provider may need a while to accept a new key, and the proxy to pick it up. */
const trialsMax = 10;
const trialPauseMs = 3_000;

/**
 * Makes a LiteLLM proxy a consumer. The proxy cannot run the client itself, so this writes the current key
 * into its deployments and then makes one call through the proxy. Only if that call works is the key reported
 * as used. The proxy needs `store_model_in_db: true`.
 */
export async function syncGateway(provider: Key, gateway: Gateway): Promise<Verdict> {
  const { fingerprint } = provider;
  const apiKey = provider.get();
  for (const id of gateway.modelIds) {
    const changed = await call(gateway, {
      path: `/model/${id}/update`,
      method: "PATCH",
      body: { litellm_params: { api_key: apiKey } },
    });
    if (!changed.ok) throw new Error(`the proxy did not take the key for ${id}: ${changed.status}`);
  }
  const verdict = await tryOut(gateway);
  if (verdict !== "unknown") await provider.outcome({ ok: verdict === "works", fingerprint });
  return verdict;
}

/** Syncs now and after every change; one sync at a time, and the newest key last. */
export async function followRotations(
  rekey: Rekey,
  { secret, gateway }: { secret: string; gateway: Gateway },
) {
  const provider = await rekey.open({ secret });
  let syncing = syncGateway(provider, gateway);
  provider.onChange(() => {
    syncing = syncing.catch(() => undefined).then(() => syncGateway(provider, gateway));
    syncing.catch((error: Error) => console.error(`litellm: ${error.message}`));
  });
  await syncing;
  return provider;
}

type Verdict = "works" | "refused" | "unknown";

/** The last result counts: the proxy may use the retiring key until it has picked up the new one. */
async function tryOut(gateway: Gateway): Promise<Verdict> {
  const body = { model: gateway.model, messages: [{ role: "user", content: "ping" }], max_tokens: 1 };
  let verdict: Verdict = "unknown";
  for (let trial = 1; trial <= trialsMax && verdict !== "works"; trial++) {
    if (trial > 1) await (gateway.pause ?? pause)(trialPauseMs);
    // Not through `use`: a 401 comes from the provider here, and is not about the proxy's own key.
    const response = await send(gateway, {
      path: "/chat/completions",
      method: "POST",
      body,
      adminKey: gateway.adminKey.get(),
    });
    await response.body?.cancel();
    verdict = response.ok ? "works" : response.status === 401 ? "refused" : "unknown";
  }
  return verdict;
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

interface Call {
  path: string;
  method: "POST" | "PATCH";
  body: object;
}

function call(gateway: Gateway, request: Call): Promise<Response> {
  return gateway.adminKey.use((adminKey) => send(gateway, { ...request, adminKey }));
}

function send(
  gateway: Gateway,
  { path, method, body, adminKey }: Call & { adminKey: string },
): Promise<Response> {
  const { fetch = globalThis.fetch } = gateway;
  return fetch(`${gateway.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}
