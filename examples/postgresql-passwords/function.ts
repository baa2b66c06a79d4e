import type { KeyObject } from "node:crypto";
import { type Login, Refused, type Server, type Session, withSession } from "./connection.ts";
import { change, endSessions, give, type Key, look, setDisabled, take } from "./roles.ts";
import { open, seal } from "./sealed.ts";

export interface Options {
  readonly server: Server;
  /** May set the passwords of the users below and end their sessions. */
  readonly admin: Login;
  /** Users with the same rights, one of whom has the password in use. */
  readonly users: readonly string[];
  /** X25519; its public half is in the deployment's `providerFunctions`. */
  readonly privateKey: KeyObject;
  log(line: { readonly operation: string; readonly failed: string }): void;
}

interface Request {
  readonly contract?: unknown;
  readonly operation?: unknown;
  readonly [field: string]: unknown;
}

const contract = "rekey-provider/1";

/** What one Lambda function does for Rekey: docs/providers/lambda.md. */
export function passwordsOf(options: Options): (request: Request) => Promise<object> {
  const asAdmin = <Result>(work: (session: Session) => Promise<Result>) =>
    withSession(options.server, options.admin, work);
  const operations: Readonly<Record<string, (request: Request) => Promise<object>>> = {
    mint: (request) => asAdmin((session) => mint(session, request, options)),
    list: () => asAdmin((session) => list(session, options)),
    verify: (request) => verify(String(request["sealed"]), options),
    disable: (request) => asAdmin((session) => disable(session, { request, isDisabled: true }, options)),
    enable: (request) => asAdmin((session) => disable(session, { request, isDisabled: false }, options)),
    revoke: (request) => asAdmin((session) => revoke(session, request, options)),
  };
  return async (request) => {
    const { operation } = request;
    if (
      request.contract !== contract ||
      typeof operation !== "string" ||
      !Object.hasOwn(operations, operation)
    )
      return { contract, error: "settings" };
    try {
      return { contract, ...(await operations[operation]?.(request)) };
    } catch (error) {
      // Codes only: a message of the server's could quote a statement.
      options.log({ operation, failed: error instanceof Refused ? error.code : "no answer" });
      return { contract, error: failureOf(error) };
    }
  };
}

function failureOf(error: unknown): string {
  const isDenied = error instanceof Refused && ["28P01", "28000", "42501"].includes(error.code);
  return isDenied ? "denied" : "unavailable";
}

async function mint(session: Session, request: Request, options: Options): Promise<object> {
  const { users, server } = options;
  const { name, sealTo } = request;
  if (typeof name !== "string" || typeof sealTo !== "string") return { error: "settings" };
  const made = await change(session, async () => {
    const { free, nowMs } = await look(session, users);
    const [user] = free;
    return user === undefined ? undefined : give(session, { user, name, createdAtMs: nowMs });
  });
  if (made === undefined) return { error: "quota" };
  const text = textOf(server, made);
  return { keyId: made.keyId, sealed: seal(text, { to: sealTo, operation: "mint" }) };
}

async function list(session: Session, { users, server }: Options): Promise<object> {
  const { keys, nowMs } = await look(session, users);
  const owner = server.database;
  return {
    keys: keys.map(({ keyId, name, createdAtMs, isDisabled }) => {
      return { keyId, name, owner, createdAtMs, status: isDisabled ? "disabled" : "active" };
    }),
    nowMs,
  };
}

async function disable(
  session: Session,
  { request, isDisabled }: { readonly request: Request; readonly isDisabled: boolean },
  { users }: Options,
): Promise<object> {
  const key = await change(session, async () => {
    const found = await keyOf(session, request, users);
    if (found !== undefined) await setDisabled(session, found, isDisabled);
    return found;
  });
  if (key === undefined) return { outcome: "notThere" };
  if (isDisabled) await endSessions(session, [key.user]);
  return { outcome: isDisabled ? "disabled" : "enabled" };
}

async function revoke(session: Session, request: Request, { users }: Options): Promise<object> {
  const key = await change(session, async () => {
    const found = await keyOf(session, request, users);
    if (found !== undefined) await take(session, found);
    return found;
  });
  // Of all that nobody can log in as: a call before this one may have ended before it came so far.
  await change(session, async () => endSessions(session, (await look(session, users)).free));
  return { outcome: key === undefined ? "alreadyGone" : "revoked" };
}

async function keyOf(
  session: Session,
  { keyId }: Request,
  users: readonly string[],
): Promise<Key | undefined> {
  return (await look(session, users)).keys.find((key) => key.keyId === keyId);
}

/**
 * The address that libpq, psycopg, node-postgres and others take. The password comes last: the text that a proof of
 * death is held against differs from a key at its end.
 */
function textOf({ host, port, database }: Server, { user, password }: Login): string {
  return `postgresql://${host}:${port}/${encodeURIComponent(database)}?user=${encodeURIComponent(user)}&password=${password}`;
}

/** Only of this server and of these users: a key that names another host must lead to no connection. */
function loginIn(text: string, { server, users }: Options): Login | undefined {
  const user = users.find((each) => text.startsWith(textOf(server, { user: each, password: "" })));
  if (user === undefined) return undefined;
  const password = text.slice(textOf(server, { user, password: "" }).length);
  return /^[A-Za-z0-9_.~-]{1,256}$/.test(password) ? { user, password } : undefined;
}

async function verify(sealed: string, options: Options): Promise<object> {
  const login = loginIn(open(sealed, { privateKey: options.privateKey, operation: "verify" }), options);
  if (login === undefined) return { answer: "inconclusive" };
  const { server, users, admin } = options;
  const found = () => withSession(server, admin, (session) => look(session, users));
  try {
    await withSession(server, login, (session) => session.query("SELECT 1"));
    const key = (await found()).keys.find(({ user }) => user === login.user);
    return { answer: "valid", ...(key !== undefined && { keyId: key.keyId }) };
  } catch (error) {
    if (!(error instanceof Refused)) return { answer: "inconclusive" };
    if (error.code === "28P01") return { answer: "refused" };
    // The same code for a user who may not log in and for an address that pg_hba.conf does not know.
    if (error.code === "28000")
      return { answer: (await isShut(login.user, found)) ? "refused" : "inconclusive" };
    return { answer: aliveCodes.has(error.code) ? "notPermitted" : "inconclusive" };
  }
}

async function isShut(user: string, found: () => ReturnType<typeof look>): Promise<boolean> {
  const { keys, free } = await found();
  return free.includes(user) || keys.some((key) => key.user === user && key.isDisabled);
}

/** Said after the password was accepted: too many connections, no right to connect, no such database. */
const aliveCodes: ReadonlySet<string> = new Set(["53300", "42501", "3D000"]);
