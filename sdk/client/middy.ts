import { fromEnvironment } from "./environment.ts";
import { createRekey, type Key, type OpenRequest, type Rekey, type RekeyOptions } from "./index.ts";

export interface MiddlewareOptions<Name extends string = "key">
  extends Partial<RekeyOptions>,
    Partial<Omit<OpenRequest, "secret">> {
  /** One secret, known to the handler as `context.rekey.key`. */
  secret?: string | undefined;
  /** Several secrets, by the names under which the handler uses them, as in middy's own middlewares. */
  fetchData?: Readonly<Record<Name, string | OpenRequest>> | undefined;
  /** Whether the handles go to `context.rekey`; they always go to `request.internal`. Default true. */
  setToContext?: boolean | undefined;
  /** Whether reading waits for the first request instead of starting while the function initialises. */
  disablePrefetch?: boolean | undefined;
  /** A client that is already open, for programs that use it outside this middleware too. */
  client?: Rekey | undefined;
}

/** What a handler finds in its context. */
export interface RekeyContext<Name extends string = "key"> {
  rekey: Record<Name, Key>;
}

interface Request<Name extends string> {
  context: RekeyContext<Name>;
  internal: Record<string, unknown>;
}

/**
 * Middy middleware that gives the handler its keys: `.use(rekeyMiddleware({ secret }))`. Without other
 * options the consumer's name is AWS_LAMBDA_FUNCTION_NAME, and REKEY_ENVIRONMENT and REKEY_REPORT_BUS are
 * used.
 */
export function rekeyMiddleware<Name extends string = "key">(options: MiddlewareOptions<Name>) {
  const { secret, fetchData, setToContext = true, disablePrefetch, client, ...rest } = options;
  const { env = process.env } = rest;
  const rekey = client ?? createRekey(fromEnvironment(rest, { consumer: env["AWS_LAMBDA_FUNCTION_NAME"] }));
  const named: Record<string, string | OpenRequest> | undefined =
    secret === undefined ? fetchData : { key: { ...rest, secret } };
  const requests = Object.entries(named ?? {}).map(([name, request]) => {
    return [name, typeof request === "string" ? { secret: request } : request] as const;
  });

  const open = async (): Promise<Record<string, Key>> => {
    const opened = requests.map(async ([name, request]) => [name, await rekey.open(request)] as const);
    return Object.fromEntries(await Promise.all(opened));
  };
  // A failed prefetch is not reported yet: the first request tries again and then fails with a named error.
  if (!disablePrefetch) open().catch(() => undefined);

  return {
    async before(request: Request<Name>): Promise<void> {
      const keys = await open();
      // Timers stop between two requests, so their work is done while the handler runs.
      for (const key of Object.values(keys)) key.tend().catch(() => undefined);
      Object.assign(request.internal, keys);
      if (setToContext) Object.assign(request.context, { rekey: keys });
    },
    /**
     * A report that is being sent would be frozen with the sandbox, so it is awaited, but not longer than its
     * own time-out.
     */
    async after(): Promise<void> {
      await rekey.flush();
    },
    async onError(): Promise<void> {
      await rekey.flush();
    },
  };
}
