import { fromEnvironment } from "./environment.ts";
import { createRekey, type Key, OptionInvalid, type Rekey, type RekeyOptions } from "./index.ts";

export interface NextOptions extends Partial<RekeyOptions> {
  secret: string;
  field?: string | undefined;
  /** What the client is given to before it is shared, such as `withFederated`. */
  extend?: ((rekey: Rekey) => Rekey) | undefined;
}

export interface NextKey {
  /** The key, read once per server. For route handlers, server actions and server components. */
  key(): Promise<Key>;
  /** For `instrumentation.ts`: `export const register = openai.register`. Reads the key before the first request. */
  register(): Promise<void>;
}

/** Next.js loads a module again for each bundle, and in development after each change: the client outlives them. */
const clients: unique symbol = Symbol.for("rekey-client/next");
type Shared = typeof globalThis & { [clients]?: Map<string, Rekey> };

/** One secret of a Next.js server. Nothing is read at import, so a build needs no AWS. */
export function nextKey({ secret, field, extend, ...options }: NextOptions): NextKey {
  const { env = process.env } = options;

  const open = (): Promise<Key> => {
    assertServer(env);
    const shared = globalThis as Shared;
    shared[clients] ??= new Map();
    const given = fromEnvironment(options);
    const id = `${given.consumer} ${given.environment} ${given.reportBus}${extend ? " extended" : ""}`;
    const own = () => (extend ?? asItIs)(createRekey(given));
    const client = shared[clients].get(id) ?? own();
    shared[clients].set(id, client);
    return client.open({ secret, field });
  };

  return {
    key: async () => open(),
    register: async () => {
      // Also called for the Edge runtime and while the site is built, where there is no server to keep a key for.
      if (env["NEXT_RUNTIME"] === "edge" || env["NEXT_PHASE"] === "phase-production-build") return;
      await open();
    },
  };
}

const asItIs = (rekey: Rekey): Rekey => rekey;

function assertServer(env: Readonly<Record<string, string | undefined>>): void {
  if ("window" in globalThis)
    throw new OptionInvalid("rekey-client/next is for the server: a key has no place in a browser");
  if (env["NEXT_RUNTIME"] === "edge")
    throw new OptionInvalid('the Edge runtime cannot keep a key: set runtime = "nodejs" for this route');
  if (env["NEXT_PHASE"] === "phase-production-build")
    throw new OptionInvalid(
      'a page asked for a key while the site is built: set dynamic = "force-dynamic" for it',
    );
}
