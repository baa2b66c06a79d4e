import { fromEnvironment } from "./environment.ts";
import { createRekey, type Key, type OpenRequest, type Rekey, type RekeyOptions } from "./index.ts";

export interface ExpressOptions<Name extends string = "key"> extends Partial<RekeyOptions> {
  /** One secret, known to handlers as `request.rekey.key`. */
  secret?: string | undefined;
  field?: string | undefined;
  /** Several secrets by the name that handlers know them by. */
  secrets?: Readonly<Record<Name, string | OpenRequest>> | undefined;
  /** An opened client, where a program has more than this middleware. */
  client?: Rekey | undefined;
}

export interface RekeyRequest<Name extends string = "key"> {
  rekey: Record<Name, Key>;
}

/** What a server has to tell the middleware that it closes; `http.Server` does. */
interface Closing {
  once(event: "close", listener: () => void): unknown;
}

type Next = (error?: unknown) => void;

/** Express middleware (also for Connect and Restify) that gives each request its keys. */
export interface RekeyMiddleware<Name extends string = "key"> {
  (request: object, response: object, next: Next): void;
  readonly client: Rekey;
  /** Settles when every key has been read: await it before listening, so that a wrong secret stops the start. */
  ready(): Promise<Record<Name, Key>>;
  /** Reports for the last time when the server closes. */
  closeWith(server: Closing): void;
}

/**
 * A key that cannot be served reaches Express's error handler with `status` 503: the caller may try again, and no
 * revoked key is used meanwhile.
 */
export function rekeyMiddleware<Name extends string = "key">(
  options: ExpressOptions<Name>,
): RekeyMiddleware<Name> {
  const { secret, field, secrets, client: given, ...rest } = options;
  const client = given ?? createRekey(fromEnvironment(rest));
  const named: Record<string, string | OpenRequest> =
    secret === undefined ? { ...secrets } : { key: { secret, field } };

  const ready = async (): Promise<Record<Name, Key>> => {
    const opened = Object.entries(named).map(async ([name, request]) => {
      return [name, await client.open(typeof request === "string" ? { secret: request } : request)] as const;
    });
    return Object.fromEntries(await Promise.all(opened)) as Record<Name, Key>;
  };

  const handle = (request: object, _: object, next: Next): void => {
    ready()
      .then((rekey) => void Object.assign(request, { rekey }))
      // Outside the chain: what a later handler throws is not about the key.
      .then(
        () => next(),
        (error: object) => next(Object.assign(error, { status: 503 })),
      );
  };
  return Object.assign(handle, {
    client,
    ready,
    closeWith: (server: Closing) => {
      server.once("close", () => {
        client.close().catch(() => undefined);
      });
    },
  });
}
