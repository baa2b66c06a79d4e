import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A real server of its own, on loopback and in a folder that goes away with it. */
export interface Postgresql {
  readonly port: number;
  /** The certificate that the server shows, which is its own authority. */
  readonly ca: string;
  /** As the superuser, over the server's socket; the answer without headers, one row a line. */
  sql(text: string): string;
  /** All that it wrote, every statement included. */
  log(): string;
  close(): Promise<void>;
}

const startMaxMs = 30_000;

export async function startPostgresql(): Promise<Postgresql> {
  const folder = mkdtempSync(join(tmpdir(), "rekey-pg-"));
  const owner = ownerOf();
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid ?? owner.uid);
  const [bin, data, logFile] = [binaries(), join(folder, "data"), join(folder, "log")];
  const run = (program: string, args: readonly string[], input?: string) =>
    execFileSync(program, [...args], {
      ...owner,
      encoding: "utf8",
      cwd: folder,
      input: input ?? "",
      stdio: "pipe",
    });
  run(join(bin, "initdb"), ["-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"]);
  const ca = certificate(folder, data, owner);
  writeFileSync(
    join(data, "pg_hba.conf"),
    "local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
  );
  const port = await freePort();
  const settings = {
    ...{ port, listen_addresses: "127.0.0.1", unix_socket_directories: folder, fsync: "off", ssl: "on" },
    ...{ password_encryption: "scram-sha-256", log_statement: "all", max_connections: 20 },
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const server = spawn(join(bin, "postgres"), ["-D", data, ...args], {
    ...owner,
    cwd: folder,
    stdio: ["ignore", "ignore", openSync(logFile, "w")],
  });
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const sql = (text: string) =>
    run(
      join(bin, "psql"),
      ["-h", folder, "-p", String(port), "-U", "postgres", "-AtqX", "-v", "ON_ERROR_STOP=1"],
      text,
    ).trim();
  await ready(sql);
  return {
    ...{ port, ca, sql },
    log: () => readFileSync(logFile, "utf8"),
    async close() {
      server.kill("SIGINT");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root. */
function ownerOf(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

function binaries(): string {
  const versions = readdirSync("/usr/lib/postgresql").sort((one, other) => Number(one) - Number(other));
  return `/usr/lib/postgresql/${versions.at(-1)}/bin`;
}

function certificate(folder: string, data: string, { uid, gid }: ReturnType<typeof ownerOf>): string {
  const [key, crt] = [join(folder, "server.key"), join(folder, "server.crt")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const made = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "2",
  ];
  execFileSync("openssl", [...made, ...subject, "-keyout", key, "-out", crt], { stdio: "pipe" });
  for (const file of ["server.key", "server.crt"]) {
    copyFileSync(join(folder, file), join(data, file));
    chmodSync(join(data, file), 0o600);
    if (uid !== undefined) chownSync(join(data, file), uid, gid ?? uid);
  }
  return readFileSync(crt, "utf8");
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function ready(sql: Postgresql["sql"]): Promise<void> {
  const stopAtMs = Date.now() + startMaxMs;
  for (;;) {
    try {
      sql("SELECT 1");
      return;
    } catch (error) {
      if (Date.now() > stopAtMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
