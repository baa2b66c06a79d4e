import { randomBytes } from "node:crypto";
import type { Session } from "./connection.ts";
import { verifierOf } from "./scram.ts";

/** A role's password, which is one key. Rekey's name and the key's id stand in the role's comment. */
export interface Key {
  readonly user: string;
  readonly keyId: string;
  readonly name: string;
  readonly createdAtMs: number;
  readonly isDisabled: boolean;
}

export interface Users {
  readonly keys: readonly Key[];
  /** Users that nobody can log in as. */
  readonly free: readonly string[];
  readonly nowMs: number;
}

/** Every change is one transaction under one lock, so that two calls at once see each other's. */
export async function change<Result>(session: Session, work: () => Promise<Result>): Promise<Result> {
  await session.query("BEGIN; SELECT pg_advisory_xact_lock(726571657901)");
  try {
    const result = await work();
    await session.query("COMMIT");
    return result;
  } catch (error) {
    await session.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

export async function look(session: Session, users: readonly string[]): Promise<Users> {
  const rows = await session.query(
    `SELECT rolname, rolcanlogin, shobj_description(oid, 'pg_authid'),
            (extract(epoch FROM clock_timestamp()) * 1000)::bigint
       FROM pg_roles WHERE rolname IN (${users.map(literal).join(", ")})`,
  );
  const found = new Map(
    rows.map(([user, mayLogIn, comment]) => [user ?? "", { mayLogIn: mayLogIn === "t", comment }]),
  );
  const missing = users.filter((user) => !found.has(user));
  if (missing.length > 0) throw new Error("a user of this function is not in the database");
  const all = users.map((user) => ({ user, key: keyIn(user, found.get(user)) }));
  return {
    keys: all.flatMap(({ key }) => key ?? []),
    free: all.flatMap(({ user, key }) => (key === undefined ? [user] : [])),
    nowMs: Number(rows[0]?.[3] ?? 0),
  };
}

/** A user who may log in has a password that somebody set, whether the comment knows of it or not. */
function keyIn(
  user: string,
  role: { readonly mayLogIn: boolean; readonly comment: string | null | undefined } | undefined,
): Key | undefined {
  const noted = noteIn(role?.comment);
  if (noted !== undefined && (role?.mayLogIn === true || noted.isDisabled)) return { user, ...noted };
  if (role?.mayLogIn !== true) return undefined;
  return { user, keyId: `${user}-by-hand`, name: "made by hand", createdAtMs: 0, isDisabled: false };
}

type Note = Omit<Key, "user">;
const notePrefix = "rekey ";

function noteIn(comment: string | null | undefined): Note | undefined {
  if (!comment?.startsWith(notePrefix)) return undefined;
  return JSON.parse(comment.slice(notePrefix.length)) as Note;
}

/** A new password for a user that nobody can log in as. The password itself never reaches the server. */
export async function give(
  session: Session,
  { user, name, createdAtMs }: { readonly user: string; readonly name: string; readonly createdAtMs: number },
): Promise<Key & { readonly password: string }> {
  const password = randomBytes(32).toString("base64url");
  const key = {
    user,
    keyId: `${user}-${randomBytes(6).toString("hex")}`,
    name,
    createdAtMs,
    isDisabled: false,
  };
  await session.query(`ALTER ROLE ${identifier(user)} LOGIN PASSWORD ${literal(verifierOf(password))}`);
  await note(session, key);
  return { ...key, password };
}

/** The password stays; nobody can log in. */
export async function setDisabled(session: Session, key: Key, isDisabled: boolean): Promise<void> {
  await session.query(`ALTER ROLE ${identifier(key.user)} ${isDisabled ? "NOLOGIN" : "LOGIN"}`);
  await note(session, { ...key, isDisabled });
}

export async function take(session: Session, { user }: Key): Promise<void> {
  await session.query(
    `ALTER ROLE ${identifier(user)} NOLOGIN PASSWORD NULL; COMMENT ON ROLE ${identifier(user)} IS NULL`,
  );
}

/** A session outlives the password that it was opened with, so it is ended too. */
export async function endSessions(session: Session, users: readonly string[]): Promise<void> {
  if (users.length === 0) return;
  await session.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN (${users.map(literal).join(", ")})`,
  );
}

async function note(session: Session, { user, ...about }: Key): Promise<void> {
  await session.query(
    `COMMENT ON ROLE ${identifier(user)} IS ${literal(`${notePrefix}${JSON.stringify(about)}`)}`,
  );
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** E'' reads backslashes whatever `standard_conforming_strings` says. */
function literal(text: string): string {
  return `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
