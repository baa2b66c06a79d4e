import net from "node:net";
import tls from "node:tls";
import { scram } from "./scram.ts";

/**
 * As much of PostgreSQL's protocol (3.0) as a few statements need: TLS, SCRAM-SHA-256, simple queries. A library would
 * do as well; without one the function is a few kilobytes, and nothing else in it sees the passwords.
 */
export interface Server {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** The certificate authority, in PEM; "system" for those that Node knows. `off` is for loopback only. */
  readonly tls: { readonly ca: string } | "system" | "off";
}

export interface Login {
  readonly user: string;
  readonly password: string;
}

export type Row = readonly (string | null)[];

export interface Session {
  query(sql: string): Promise<readonly Row[]>;
}

/** The server said no; `code` is PostgreSQL's, such as 28P01. Its message is dropped: it may quote a statement. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly code: string;

  constructor(code: string) {
    super(`PostgreSQL refused (${code})`);
    this.code = code;
  }
}

const timeMaxMs = 4_000;
const bytesMax = 1024 * 1024;
const messagesMax = 10_000;

/** Opens a session, hands it to `work`, and closes it. */
export async function withSession<Result>(
  server: Server,
  login: Login,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  const socket = await connected(server);
  try {
    const wire = messagesOn(socket);
    await logIn(wire, { ...login, database: server.database });
    return await work({ query: (sql) => query(wire, sql) });
  } finally {
    socket.destroy();
  }
}

async function connected({ host, port, tls: how }: Server): Promise<net.Socket> {
  if (how === "off" && host !== "127.0.0.1")
    throw new Error("a connection without TLS stays on this machine");
  const plain = net.connect({ host, port });
  plain.setTimeout(timeMaxMs, () => plain.destroy(new Error("PostgreSQL did not answer in time")));
  try {
    await event(plain, "connect");
    if (how === "off") return plain;
    plain.write(framed("", int(80_877_103)));
    const [answer] = (await event(plain, "data")) as [Buffer];
    // Anything behind the one letter was put there by somebody in between.
    if (answer.toString() !== "S") throw new Error("PostgreSQL does not offer TLS");
    const ca = how === "system" ? {} : { ca: how.ca };
    const secured = tls.connect({ socket: plain, servername: host, minVersion: "TLSv1.2", ...ca });
    await event(secured, "secureConnect");
    return secured;
  } catch (error) {
    plain.destroy();
    throw error;
  }
}

function event(socket: net.Socket, name: string): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const done = (...values: unknown[]) => {
      socket.off("error", failed);
      socket.off("close", failed);
      resolve(values);
    };
    const failed = (error?: unknown) => {
      socket.off(name, done);
      reject(error instanceof Error ? error : new Error("PostgreSQL closed the connection"));
    };
    socket.once(name, done);
    socket.once("error", failed);
    socket.once("close", failed);
  });
}

interface Message {
  readonly type: string;
  readonly body: Buffer;
}

interface Wire {
  send(bytes: Buffer): void;
  next(): Promise<Message>;
}

function messagesOn(socket: net.Socket): Wire {
  const chunks = socket[Symbol.asyncIterator]();
  let left: Buffer = Buffer.alloc(0);
  let bytes = 0;
  const fill = async (size: number): Promise<void> => {
    while (left.length < size) {
      const { done, value } = await chunks.next();
      if (done === true) throw new Error("PostgreSQL closed the connection");
      bytes += value.length;
      if (bytes > bytesMax) throw new Error("PostgreSQL answered too much");
      left = Buffer.concat([left, value]);
    }
  };
  return {
    send: (sent) => void socket.write(sent),
    async next() {
      await fill(5);
      const size = left.readUInt32BE(1) + 1;
      if (size < 5 || size > bytesMax) throw new Error("PostgreSQL answered too much");
      await fill(size);
      const message = { type: String.fromCharCode(left[0] ?? 0), body: left.subarray(5, size) };
      left = left.subarray(size);
      if (message.type === "E") throw new Refused(codeIn(message.body));
      return message;
    },
  };
}

async function logIn(
  wire: Wire,
  { user, password, database }: Login & { readonly database: string },
): Promise<void> {
  const settings = ["user", user, "database", database, "application_name", "rekey-passwords", ""];
  wire.send(framed("", Buffer.concat([int(196_608), ...settings.map(text)])));
  const client = scram(password);
  for (let count = 0; count < messagesMax; count++) {
    const { type, body } = await wire.next();
    if (type === "Z") return;
    if (type !== "R") continue;
    const step = body.readInt32BE(0);
    const said = body.subarray(4).toString();
    if (step === 10 && said.split("\0").includes("SCRAM-SHA-256")) {
      const first = Buffer.from(client.first);
      wire.send(framed("p", Buffer.concat([text("SCRAM-SHA-256"), int(first.length), first])));
    } else if (step === 11) wire.send(framed("p", Buffer.from(client.answer(said))));
    else if (step === 12) client.check(said);
    // With any other method the password itself, or a weak hash of it, would go over the network.
    else if (step !== 0) throw new Error("PostgreSQL asks for another method than SCRAM-SHA-256");
  }
  throw new Error("PostgreSQL did not end the login");
}

async function query(wire: Wire, sql: string): Promise<readonly Row[]> {
  wire.send(framed("Q", text(sql)));
  const rows: Row[] = [];
  for (let count = 0; count < messagesMax; count++) {
    const { type, body } = await wire.next();
    if (type === "D") rows.push(rowIn(body));
    if (type === "Z") return rows;
  }
  throw new Error("PostgreSQL did not end its answer");
}

function rowIn(body: Buffer): Row {
  let at = 2;
  return Array.from({ length: body.readUInt16BE(0) }, () => {
    const length = body.readInt32BE(at);
    at += 4;
    if (length < 0) return null;
    at += length;
    return body.subarray(at - length, at).toString("utf8");
  });
}

function codeIn(body: Buffer): string {
  const fields = body.toString("utf8").split("\0");
  const code = fields.find((field) => /^C[0-9A-Z]{5}$/.test(field));
  return code?.slice(1) ?? "XX000";
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function text(value: string): Buffer {
  if (value.includes("\0")) throw new Error("a text for PostgreSQL has no zero byte");
  return Buffer.from(`${value}\0`);
}

/** A type, the length of what follows with itself, and that. */
function framed(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int(body.length + 4), body]);
}
