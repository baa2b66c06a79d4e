import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleOnce, HostWorld, lives, type Running, until } from "./host-world.ts";
import { fingerprintOf } from "./world.ts";

let world: HostWorld;
let built: Awaited<ReturnType<typeof bundleOnce>>;

beforeAll(async () => {
  built = await bundleOnce();
});

afterAll(async () => {
  await built.remove();
});

beforeEach(async () => {
  world = await HostWorld.create(built.bundle);
});

afterEach(async () => {
  await world.close();
});

/** util-linux's, which gives a program a terminal. */
const hasScript = spawnSync("script", ["--version"]).status === 0;

/** Says its key and lives until it is asked to end. */
const server = [
  "sh",
  "-c",
  'echo "up $$ $(cat $KEY_FILE)"; trap "echo down $$; exit 0" TERM; while :; do sleep 0.05; done',
];
const lines = (running: Running) => running.out().split("\n").filter(Boolean);
const line = (running: Running, pattern: RegExp) =>
  until(String(pattern), () => pattern.exec(running.out()) ?? undefined);

describe("the key", () => {
  test("is in a file in memory that only its user may read, and that goes when the command ends", async () => {
    const running = world.exec([], ["sh", "-c", 'echo "file $KEY_FILE"; cat "$KEY_FILE"; read x'], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    const [, path = ""] = await line(running, /file (\S+)/);

    await line(running, /FAKE-key-1/);
    expect(statSync(path).mode & 0o777).toBe(0o400);
    expect(statSync(join(path, "..")).mode & 0o777).toBe(0o700);
    expect(path).toMatch(/^\/(dev\/shm|run)/);
    running.child.stdin?.end("\n");
    expect(await running.ended).toEqual({ code: 0, signal: null });
    expect(existsSync(path)).toBe(false);
  });

  test("is in a variable only where that was asked for", async () => {
    const running = world.exec(["--env", "OPENAI_API_KEY"], ["sh", "-c", 'echo "$OPENAI_API_KEY"; env']);

    expect((await running.ended).code).toBe(0);
    expect(lines(running)[0]).toBe("FAKE-key-1");
    expect(running.out()).not.toContain("KEY_FILE");
  });

  test("is in the place of {file} in the command, too", async () => {
    const running = world.exec([], ["cat", "{file}"]);

    expect((await running.ended).code).toBe(0);
    expect(running.out()).toBe("FAKE-key-1");
  });

  test("is one field of a JSON value where that is named", async () => {
    world.aws.value = JSON.stringify({ apiKey: "FAKE-field", other: "FAKE-other" });
    const running = world.run(["exec", "--secret", `${world.aws.arn}#apiKey`, "--", "cat", "{file}"]);

    await running.ended;
    expect(running.out()).toBe("FAKE-field");
  });

  test("is on no disk unless that was allowed", async () => {
    const file = join(world.folder, "key");
    const refused = world.exec(["--file", file], ["true"]);
    expect((await refused.ended).code).toBe(125);
    expect(refused.err()).toMatch(/rekey: error: .* is not in memory \(tmpfs\)\nrekey: hint: /);

    const allowed = world.exec(["--file", file, "--on-disk"], ["cat", file]);
    expect((await allowed.ended).code).toBe(0);
    expect(allowed.out()).toBe("FAKE-key-1");
    expect(existsSync(file)).toBe(false);
  });

  test("is never in an argument, in the wrapper's environment or in a line that it writes", async () => {
    const running = world.exec([], server);
    const [, pid = ""] = await line(running, /up (\d+) FAKE-key-1/);
    world.rotate();
    const [, next = ""] = await line(running, /up (\d+) FAKE-key-2/);
    const seen = [running.pid, next]
      .flatMap((each) => [`/proc/${each}/cmdline`, `/proc/${each}/environ`])
      .map((path) => readFileSync(path, "latin1"));

    expect(pid).not.toBe(next);
    expect(seen.join("\n")).not.toContain("FAKE-key");
    running.child.kill("SIGTERM");
    await running.ended;
    expect(running.err()).not.toContain("FAKE-");
    expect(JSON.stringify(world.reports())).not.toContain("FAKE-key");
  });
});

describe("what the command inherits", () => {
  const inherited = async (flags: readonly string[], more: Record<string, string> = {}) => {
    const running = world.exec(flags, ["env"], { more });
    await running.ended;
    return new Map(lines(running).map((each) => each.split("=", 2) as [string, string]));
  };

  test("is its environment, without Rekey's variables and the credentials that read the secret", async () => {
    const env = await inherited([], {
      OWN: "1",
      AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/x",
      REKEY_PERMIT_URL: "",
    });

    expect(env.get("OWN")).toBe("1");
    expect(env.get("AWS_REGION")).toBe("eu-central-1");
    expect([...env.keys()].filter((name) => /^(AWS|REKEY)_/.test(name)).sort()).toEqual([
      "AWS_REGION",
      "REKEY_RUN",
    ]);
    expect([...env.values()].join()).not.toMatch(/AKIDFAKE|FAKE-secret|FAKE-session/);
  });

  test("is what was passed by name besides", async () => {
    const env = await inherited(["--pass", "AWS_ACCESS_KEY_ID"]);

    expect(env.get("AWS_ACCESS_KEY_ID")).toBe("AKIDFAKE");
    expect(env.has("AWS_SECRET_ACCESS_KEY")).toBe(false);
  });
});

describe("the end of the command", () => {
  test.each([
    ["its exit code", ["sh", "-c", "exit 7"], { code: 7, signal: null }],
    ["its signal, as a shell sees it", ["sh", "-c", "kill -TERM $$"], { code: null, signal: "SIGTERM" }],
    ["SIGKILL, too", ["sh", "-c", "kill -KILL $$"], { code: null, signal: "SIGKILL" }],
    [
      "a crash by its number, because a core file of rekey would hold the key",
      ["sh", "-c", "kill -SEGV $$"],
      { code: 139, signal: null },
    ],
    ["127 for a command that is not there", ["no-such-command"], { code: 127, signal: null }],
    ["126 for one that cannot be run", ["/etc/passwd"], { code: 126, signal: null }],
  ] as const)("is rekey's: %s", async (_, command, expected) => {
    expect(await world.exec([], command).ended).toEqual(expected);
  });

  test("is reported, after the start that was reported with the key that it had", async () => {
    await world.exec([], ["true"]).ended;

    expect(world.told()).toEqual(["v1", "stopping"]);
    expect(world.reports()[0]).toMatchObject({
      kind: "exec",
      consumer: "billing",
      cause: "started",
      holds: { fingerprint: fingerprintOf("FAKE-key-1"), versionId: "v1" },
      uses: [],
    });
    expect(new Set(world.reports().map(({ instance }) => instance)).size).toBe(1);
  });

  test("is not reported as this instance's while something that it started lives", async () => {
    const running = world.exec([], ["sh", "-c", "setsid sleep 60 & echo left $!"]);
    const [, pid = ""] = await line(running, /left (\d+)/);

    await running.ended;
    expect(running.err()).toContain(`${pid} still run with the key`);
    expect(world.told()).toEqual(["v1"]);
    process.kill(Number(pid), "SIGKILL");
  });

  test("does not wait for what holds on to its output", async () => {
    const running = world.exec([], ["sh", "-c", "sleep 60 & echo left $!"]);
    const [, pid = ""] = await line(running, /left (\d+)/);

    expect((await running.ended).code).toBe(0);
    process.kill(Number(pid), "SIGKILL");
  });
});

describe("what arrives from outside", () => {
  test("input reaches the command", async () => {
    const running = world.exec([], ["cat"], { stdio: ["pipe", "pipe", "pipe"] });
    running.child.stdin?.end("typed");

    await running.ended;
    expect(running.out()).toBe("typed");
  });

  test.each(["TERM", "INT", "HUP", "QUIT", "USR1", "USR2"])("SIG%s is passed on, once", async (name) => {
    const script = `trap "echo got ${name}; exit 3" ${name}; echo up; while :; do sleep 0.05; done`;
    const running = world.exec([], ["sh", "-c", script]);
    await line(running, /up/);

    running.child.kill(`SIG${name}` as NodeJS.Signals);

    expect(await running.ended).toEqual({ code: 3, signal: null });
    expect(lines(running).filter((each) => each.startsWith("got"))).toEqual([`got ${name}`]);
  });

  test("a signal reaches a grandchild behind a shell that passes nothing on", async () => {
    const running = world.exec([], ["sh", "-c", "sh -c 'echo up $$; exec sleep 60'; exit 0"]);
    const [, pid = ""] = await line(running, /up (\d+)/);

    running.child.kill("SIGTERM");
    await running.ended;
    await until("its end", () => !lives(pid));
  });

  (hasScript ? test : test.skip)("at a terminal the command has it, and Ctrl-C reaches it", async () => {
    const told = [
      "exec",
      process.execPath,
      built.bundle,
      "exec",
      "--secret",
      world.aws.arn,
      "--",
      "sh",
      "-c",
    ];
    const command =
      ": </dev/tty && echo terminal; trap 'echo got INT; exit 7' INT; echo up; while :; do sleep 0.05; done";
    const child = spawn("script", ["-qec", [...told, `"${command}"`].join(" "), "/dev/null"], {
      env: world.env(),
      stdio: ["pipe", "pipe", "ignore"],
    });
    let out = "";
    child.stdout.on("data", (text) => {
      out += String(text);
    });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await until("the command", () => out.includes("up"));

    child.stdin.write("\x03");

    expect(await ended).toBe(7);
    expect(out).toContain("terminal");
    expect(out).toContain("got INT");
  });

  test("SIGTSTP stops the command and rekey, and SIGCONT lets both go on", async () => {
    // One that forks may be stopped while it waits for its child, and is shown as waiting then.
    const running = world.exec([], ["sh", "-c", "echo up $$; exec sleep 60"]);
    const [, pid = ""] = await line(running, /up (\d+)/);
    const state = (each: string | number) =>
      /\) (\w)/.exec(readFileSync(`/proc/${each}/stat`, "latin1"))?.[1];

    running.child.kill("SIGTSTP");
    await until("both to stop", () => state(running.pid) === "T" && state(pid) === "T");
    running.child.kill("SIGCONT");
    await until("both to go on", () => state(running.pid) !== "T" && state(pid) !== "T");
  });
});

describe("a secret that cannot be read", () => {
  test("fails the start, by name and with what to do, and nothing is started", async () => {
    world.aws.faults.push({ status: 400, body: { __type: "AccessDeniedException", message: "FAKE-key-1" } });
    const running = world.exec([], ["sh", "-c", "echo started"]);

    expect((await running.ended).code).toBe(125);
    expect(running.out()).toBe("");
    expect(running.err()).toBe(
      `rekey: error: the secret ${world.aws.arn} could not be read (UpstreamUnavailable: denied AccessDeniedException)\n` +
        "rekey: hint: its role needs secretsmanager:GetSecretValue (and kms:Decrypt) for this secret\n",
    );
  });

  test("for too long stops the command, which could otherwise use a revoked key", async () => {
    const running = world.exec(["--max-stale", "600ms"], server);
    await line(running, /up/);
    world.aws.hangs = true;

    expect(await running.ended).toEqual({ code: 75, signal: null });
    expect(running.err()).toContain("could not be confirmed for too long");
    expect(lines(running).at(-1)).toMatch(/^down/);
  });
});

describe("a rotation", () => {
  test("restarts the command with the incoming key, and says so only when nothing old is left", async () => {
    const running = world.exec([], server);
    const [, first = ""] = await line(running, /up (\d+) FAKE-key-1/);

    world.rotate();

    await line(running, /up (\d+) FAKE-key-2/);
    expect(lines(running).map((each) => each.replace(/\d{2,}/, "N"))).toEqual([
      "up N FAKE-key-1",
      "down N",
      "up N FAKE-key-2",
    ]);
    await until("the report", () => world.told().includes("v2"));
    expect(lives(first)).toBe(false);
    running.child.kill("SIGTERM");
    expect((await running.ended).code).toBe(0);
    expect(world.told()).toEqual(["v1", "v2", "stopping"]);
  });

  test("kills what does not end in time", async () => {
    const stubborn = 'echo "up $$ $(cat $KEY_FILE)"; trap "" TERM; while :; do sleep 0.05; done';
    const running = world.exec([], ["sh", "-c", stubborn]);
    const [, first = ""] = await line(running, /up (\d+) FAKE-key-1/);

    world.rotate();

    await line(running, /up (\d+) FAKE-key-2/);
    expect(lives(first)).toBe(false);
  });

  test("ends a grandchild that has left its parent, its group and its session", async () => {
    const leaver = 'setsid sh -c "echo left \\$\\$; trap \\"\\" TERM HUP; while :; do sleep 0.05; done" & ';
    const running = world.exec([], ["sh", "-c", `${leaver} cat $KEY_FILE; echo; sleep 0.2; exec sleep 60`]);
    const [, left = ""] = await line(running, /left (\d+)/);

    world.rotate();

    await line(running, /FAKE-key-2/);
    expect(lives(left)).toBe(false);
  });

  test("that the command does not survive is not reported", async () => {
    const script = "grep -q key-1 $KEY_FILE || exit 9; echo up; while :; do sleep 0.05; done";
    const running = world.exec([], ["sh", "-c", script]);
    await line(running, /up/);

    world.rotate();

    expect(await running.ended).toEqual({ code: 9, signal: null });
    expect(world.told()).not.toContain("v2");
  });

  test("is reported only once the command is ready", async () => {
    const ready = join(world.folder, "ready");
    const running = world.exec(["--ready", `exec:test -e ${ready}`, "--ready-within", "400ms"], server);
    await line(running, /up (\d+) FAKE-key-1/);
    world.rotate();
    await line(running, /up (\d+) FAKE-key-2/);

    await until("the warning", () => running.err().includes("not ready with its new key"));
    expect(world.told()).toEqual(["v1"]);
    writeFileSync(ready, "");
    await until("the report", () => world.told().includes("v2"));
  });

  test("during which somebody asks for the end, ends", async () => {
    const slow =
      'echo "up $$ $(cat $KEY_FILE)"; trap "echo asked; sleep 1; exit 0" TERM; while :; do sleep 0.05; done';
    const running = world.exec([], ["sh", "-c", slow]);
    await line(running, /up/);
    world.rotate();
    await line(running, /asked/);

    running.child.kill("SIGTERM");

    expect((await running.ended).signal ?? "exited").toMatch(/exited|SIGTERM/);
    expect(running.out()).not.toContain("FAKE-key-2");
  });

  test("sends a signal instead where that is asked for, and gives no evidence", async () => {
    const script =
      'show() { echo "key $(cat $KEY_FILE)"; }; trap show HUP; show; while :; do sleep 0.05; done';
    const running = world.exec(["--signal", "HUP"], ["sh", "-c", script], { more: { REKEY_REPORT_BUS: "" } });
    await line(running, /key FAKE-key-1/);

    world.rotate();

    await line(running, /key FAKE-key-2/);
    expect(world.reports()).toEqual([]);
  });
});

test("kill -9 of rekey takes the command, all it started and the key's file with it", async () => {
  const running = world.exec(
    [],
    ["sh", "-c", 'setsid sleep 61 & echo "up $$ $! $KEY_FILE"; while :; do sleep 0.05; done'],
  );
  const [, pid = "", left = "", path = ""] = await line(running, /up (\d+) (\d+) (\S+)/);

  running.child.kill("SIGKILL");

  await until("the command's end", () => !lives(pid));
  await until("the end of what left it", () => !lives(left));
  await until("the file's end", () => !existsSync(path));
});

test.each([
  ["no command", ["--secret", "x"], "no command is given"],
  ["an unknown option", ["--sekret", "x", "--", "true"], "there is no option --sekret"],
  ["a key in the place of an option", ["FAKE-key-1", "--", "true"], "an argument that belongs to no option"],
  [
    "--signal with --env",
    ["--secret", "x", "--signal", "HUP", "--env", "K", "--", "true"],
    "cannot change a variable",
  ],
  ["--signal with reports", ["--secret", "x", "--signal", "HUP", "--", "true"], "may not report"],
  ["a harmful variable", ["--secret", "x", "--env", "LD_PRELOAD", "--", "true"], "may not be LD_PRELOAD"],
  ["a time without a unit", ["--secret", "x", "--grace", "30", "--", "true"], "--grace has to be a time"],
  ["a permit from anywhere", ["--secret", "x", "--permit-url", "http://example.com", "--", "true"], "https"],
])("usage with %s is refused, and quotes nothing", async (_, args, message) => {
  const running = world.run(["exec", ...args]);

  expect((await running.ended).code).toBe(125);
  expect(running.err()).toContain(message);
  expect(running.err()).not.toContain("FAKE-key");
});
