import { posix } from "node:path";
import * as errors from "../core/errors.ts";
import { supplyWithinMs } from "../core/rotation/notices.ts";
import { issuers } from "../providers/index.ts";
import { handlerNames, stateName } from "../serverless/handlers.ts";
import { machines as machineTexts } from "../serverless/machines.ts";
import { furtherUses } from "../statemachines/further-uses.ts";
import { plantedBugs } from "./simulation/run/planted-bugs.ts";
import { codeOf, filesOf, functionsIn, importsOf, parameterCounts, type SourceFile } from "./source-text.ts";

const typescript = filesOf(".ts");
const ours = typescript.filter(({ path }) => !path.endsWith(".d.ts"));
const topOf = (path: string) => (path.includes("/") ? (path.split("/")[0] ?? "") : "");

/** Each finding reads `path:line: what`, so that an editor can jump to it. */
function findings(
  files: readonly SourceFile[],
  find: (line: string, file: SourceFile) => string | undefined,
): readonly string[] {
  return files.flatMap((file) =>
    file.lines.flatMap((line, index) => {
      const found = find(line, file);
      return found === undefined ? [] : [`${file.path}:${index + 1}: ${found}`];
    }),
  );
}

describe("imports point downwards", () => {
  const adapters = ["providers", "stores", "destinations", "ledger", "consumers", "audit"];
  const steps = ["core", "events", "aws", ...adapters, "functions"];
  /** What each folder may import besides itself; a folder that is not here may import nothing of ours. */
  const allowed: Readonly<Record<string, readonly string[]>> = {
    aws: [],
    events: ["core", "aws"],
    ...Object.fromEntries(adapters.map((adapter) => [adapter, ["core", "events", "aws"]])),
    // A rollout is judged, and a version promoted, in one place, whoever asks.
    destinations: ["core", "events", "aws", "consumers", "stores"],
    functions: ["core", "events", "aws", ...adapters],
    // Its demonstration company uses the client library, as any other consumer would.
    // It runs what build.ts bundles.
    local: [...steps, "sdk", "serverless", "cli", "console", ""],
    // `rekey exec` and `rekey agent` are the sdk's; the CLI only hands them their arguments.
    cli: [...steps, "sdk", "console", "scan"],
    scan: ["core", "events", "providers"],
    console: steps,
    serverless: steps,
    // It measures everything, the package (build.ts) included, with the stand-ins of the tests.
    bench: [...steps, "local", "sdk", "cli", "scan", "serverless", "statemachines", "test", ""],
    examples: ["sdk"],
    // What somebody outside of this repository writes an adapter with, and the suite that it passes.
    kit: ["core", "providers", "test"],
  };

  test.each(["core", "sdk", ...Object.keys(allowed)])("from %s", (top) => {
    const wrong = ours
      .filter(({ path }) => topOf(path) === top)
      .flatMap((file) =>
        importsOf(file)
          .filter(({ specifier }) => specifier.startsWith("."))
          .map((found) => ({ ...found, target: posix.join(posix.dirname(file.path), found.specifier) }))
          .filter(({ target }) => topOf(target) !== top && !allowed[top]?.includes(topOf(target)))
          .map(({ line, target }) => `${file.path}:${line}: imports ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  test("every relative import names a file that exists, with its ending", () => {
    const known = new Set(filesOf("").map(({ path }) => path));
    const wrong = ours.flatMap((file) =>
      importsOf(file)
        .filter(({ specifier }) => specifier.startsWith("."))
        .filter(({ specifier }) => !known.has(posix.join(posix.dirname(file.path), specifier)))
        .map(({ line, specifier }) => `${file.path}:${line}: imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  test("core has no imports but its own", () => {
    const wrong = ours
      .filter(({ path }) => topOf(path) === "core")
      .flatMap((file) => importsOf(file).map(({ line, specifier }) => ({ file, line, specifier })))
      .filter(
        ({ file, specifier }) =>
          topOf(posix.join(posix.dirname(file.path), specifier)) !== "core" || !specifier.startsWith("."),
      )
      .map(({ file, line, specifier }) => `${file.path}:${line}: imports ${specifier}`);
    expect(wrong).toEqual([]);
  });
});

describe("the house has floors", () => {
  const targets = new Map(
    ours.map((file) => [
      file.path,
      importsOf(file)
        .filter(({ specifier }) => specifier.startsWith("."))
        .map(({ specifier }) => posix.join(posix.dirname(file.path), specifier)),
    ]),
  );
  const importersOf = (path: string) =>
    [...targets].flatMap(([from, to]) => (to.includes(path) && topOf(from) !== "test" ? [from] : []));

  test("no file imports itself over others, nor for its types", () => {
    // What only imports files that are in no circle is in none: those go, again and again. Then from the other side.
    let left = new Set(targets.keys());
    for (let size = 0; size !== left.size; ) {
      size = left.size;
      const into = new Set([...left].flatMap((path) => targets.get(path) ?? []));
      left = new Set(
        [...left].filter((path) => into.has(path) && targets.get(path)?.some((to) => left.has(to))),
      );
    }
    expect([...left]).toEqual([]);
  });

  test("a handler is imported by the registry and by nobody else", () => {
    const handlers = ours.filter(
      ({ path, text }) => topOf(path) === "functions" && /^export const handler\b/m.test(text),
    );
    const wrong = handlers.flatMap(({ path }) =>
      importersOf(path)
        .filter((importer) => importer !== "functions/index.ts" && topOf(importer) !== "bench")
        .map((importer) => `${importer}: imports ${path}`),
    );
    expect(handlers.length).toBeGreaterThan(30);
    expect(wrong).toEqual([]);
  });

  test("an adapter of functions/ imports nothing of functions/ but its ports and other adapters", () => {
    const wrong = [...targets].flatMap(([path, imported]) =>
      path.startsWith("functions/adapters/")
        ? imported
            .filter((target) => topOf(target) === "functions" && !target.startsWith("functions/adapters/"))
            .filter((target) => target !== "functions/deps.ts")
            .map((target) => `${path}: imports ${target}`)
        : [],
    );
    expect(wrong).toEqual([]);
  });
});

/**
 * A store is one folder under stores/ and one line of its index: whoever else knows a label of Secrets Manager, or the
 * form of its ARNs, would have to change with the next store.
 */
test("only the store's own folder knows its labels and the form of its references", () => {
  const speaks = /AWS(?:CURRENT|PENDING|PREVIOUS)|REKEY_(?:INCOMING|RETIRING)|:secretsmanager:/;
  const above = [
    ...["core", "events", "functions", "ledger", "consumers", "audit"],
    ...["providers", "stores", "destinations"],
  ];
  /** Who speaks AWS all the same, and why. */
  const mayKnow: Readonly<Record<string, string>> = {
    "providers/provider.ts": "an adapter imports no store: it checks where its admin credential is kept",
    "destinations/destination.ts": "the same of a place's token",
    "destinations/secrets-manager/settings.ts": "a copy in another secret is what this destination is",
    "destinations/secrets-manager/index.ts": "the same, in its example",
    "consumers/wiring.ts": "task definitions and External Secrets name versions in AWS's own form",
  };
  const files = ours.filter(
    ({ path }) => above.includes(topOf(path)) && !path.startsWith("stores/secrets-manager/"),
  );
  const knowing = new Set(
    findings(files, (line) => speaks.exec(line)?.[0]).map((found) => found.split(":")[0]),
  );
  expect([...knowing].filter((path) => path !== undefined && !Object.hasOwn(mayKnow, path))).toEqual([]);
  expect(Object.keys(mayKnow).filter((path) => !knowing.has(path))).toEqual([]);
});

test("core reads no clock, draws no random number, and does no I/O", () => {
  const impure =
    /\b(?:Date|Math\s*\.\s*random|process|fetch|async|await|console|crypto|globalThis|set(?:Timeout|Interval|Immediate)|performance)\b/;
  const wrong = ours
    .filter(({ path }) => topOf(path) === "core")
    .flatMap(({ path, text }) =>
      codeOf(text)
        .split("\n")
        .flatMap((line, index) => {
          const found = impure.exec(line.replaceAll(/Date\.(?:UTC|parse)\b/g, ""));
          return found === null ? [] : [`${path}:${index + 1}: ${found[0]}`];
        }),
    );
  expect(wrong).toEqual([]);
});

test("what functions stand on reads the environment in one place, so that its settings can be listed", () => {
  const below = [
    ...["events", "providers", "stores", "destinations", "ledger"],
    ...["consumers", "audit", "functions"],
  ];
  const files = ours.filter(
    ({ path }) => below.includes(topOf(path)) && path !== "functions/wiring/settings.ts",
  );
  expect(findings(files, (line) => /\bprocess\s*\.\s*env\b/.exec(line)?.[0])).toEqual([]);
});

describe("a provider is one folder, and one line in providers/index.ts", () => {
  const outside = ours.filter(({ path }) =>
    ["core", "events", "functions", "cli", "serverless", "consumers", "ledger", "statemachines"].includes(
      topOf(path),
    ),
  );

  test("nothing else imports from a provider's folder", () => {
    const wrong = outside.flatMap((file) =>
      importsOf(file)
        .filter(({ specifier }) => /\/providers\/[\w-]+\//.test(specifier))
        .map(({ line, specifier }) => `${file.path}:${line}: imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  test("nothing else knows a provider by its name", () => {
    /** Names that mean something else where they stand. */
    const others: Readonly<Record<string, RegExp>> = {
      github: /^(?:events\/|functions\/|serverless\/|cli\/)/, // a source of alerts
      iam: /^serverless\//, // the service itself, in a policy
      lambda: /^(?:cli|consumers|core|events|serverless)\//, // the service itself, and what runs in it
      http: /^(?:consumers\/|functions\/)/, // a client
    };
    const names = new Set(issuers.map(({ kind }) => kind));
    const wrong = findings(outside, (line, { path }) => {
      const literals = [...line.matchAll(/["'`]([a-z-]+)["'`]|^\s*([a-z]+): (?=["'`{])/g)];
      return literals
        .map(([, quoted, property]) => quoted ?? property ?? "")
        .find((name) => names.has(name) && others[name]?.test(path) !== true);
    });
    expect(wrong).toEqual([]);
  });

  test("each folder's statement is in the registry, under the folder's name", () => {
    const folders = ours.flatMap(({ path }) => /^providers\/([\w-]+)\/index\.ts$/.exec(path)?.[1] ?? []);
    expect(issuers.map(({ kind }) => kind).sort()).toEqual(folders.sort());
  });

  test("a statement loads no code that makes calls", () => {
    const wrong = ours
      .filter(({ path }) => /^providers\/[\w-]+\/index\.ts$/.test(path))
      .filter(({ text }) =>
        /from "\.\/(?:adapter|fake[\w-]*)\.ts"|from "@(?:aws-sdk|azure|google)/.test(text),
      );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});

describe("sizes", () => {
  const fileLinesMax = 400;
  /** A list of cases is read from its beginning to the case in question, not as a whole. */
  const testLinesMax = 800;
  const functionLinesMax = 70;
  const handlerLinesMax = 60;
  /** The formatter breaks code at 110; a comment may run over by a word. */
  const lineMax = 120;
  const positionalMax = 3;

  test("no file is too long to be read in one go", () => {
    const wrong = ours
      .filter(({ path, lines }) => lines.length - 1 > (topOf(path) === "test" ? testLinesMax : fileLinesMax))
      .map(({ path, lines }) => `${path}: ${lines.length - 1} lines`);
    expect(wrong).toEqual([]);
  });

  test("no function is longer than a screen or so", () => {
    const wrong = ours.flatMap((file) =>
      functionsIn(file)
        .filter(
          ({ length, opening }) =>
            length > (/\brun: async\b|^run\(/.test(opening) ? handlerLinesMax : functionLinesMax),
        )
        .map(({ line, length, opening }) => `${file.path}:${line}: ${length} lines: ${opening.slice(0, 60)}`),
    );
    expect(wrong).toEqual([]);
  });

  test("a function takes two things, and then an object", () => {
    const wrong = ours
      .filter(({ path }) => topOf(path) !== "test")
      .flatMap((file) =>
        parameterCounts(file)
          .filter(({ count }) => count > positionalMax)
          .map(({ line, count }) => `${file.path}:${line}: ${count} parameters`),
      );
    expect(wrong).toEqual([]);
  });

  test("no line of code or comment is wider than a split screen; only a text that cannot be broken is", () => {
    const isUnbreakable = (line: string) => /["'`/][^\s].{40,}/.test(line);
    const wrong = findings(ours, (line) =>
      line.length > lineMax && !isUnbreakable(line) ? `${line.length} characters` : undefined,
    );
    expect(wrong).toEqual([]);
  });
});

describe("names", () => {
  test("files are in kebab-case", () => {
    const kebab = /^\.?[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*$/;
    const wrong = filesOf(".ts", ".cjs", ".mjs", ".js", ".json", ".yml")
      .map(({ path }) => path)
      .filter((path) => !path.split("/").every((part) => kebab.test(part)));
    expect(wrong).toEqual([]);
  });

  test("no file is a drawer", () => {
    const drawer = /(?:^|[/-])(?:utils?|helpers?|common|types|misc|shared)\.[cm]?[jt]s$/;
    expect(typescript.map(({ path }) => path).filter((path) => drawer.test(path))).toEqual([]);
  });

  test("nothing is exported as default, but what a tool demands", () => {
    const isConfig = ({ path }: SourceFile) => /(?:^|\/)[\w-]+\.config\.[cm]?[jt]s$/.test(path);
    const files = filesOf(".ts", ".js", ".mjs").filter(
      (file) => !isConfig(file) && !file.path.endsWith(".d.ts"),
    );
    expect(
      findings(files, (line) => (/^export default\b/.test(line) ? "default export" : undefined)),
    ).toEqual([]);
  });
});

test("nothing is of type any, but with a reason on the line before", () => {
  const wrong = ours.flatMap(({ path, text, lines }) =>
    codeOf(text)
      .split("\n")
      .flatMap((line, index) => {
        const isAny = /(?::|\bas|<|\||&|,)\s*any\b(?:\[\])?\s*(?:[;,)>=|&\]}]|$)/.test(line);
        const hasReason = /biome-ignore lint\/suspicious\/noExplicitAny: \S/.test(lines[index - 1] ?? "");
        return isAny && !hasReason ? [`${path}:${index + 1}: any`] : [];
      }),
  );
  expect(wrong).toEqual([]);
});

test("nothing is put off, and nothing speaks of how it was written", () => {
  const putOff = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"];
  const elsewhere = [
    "/wo" + "rk/",
    "npm" + "js",
    "verda" + "ccio",
    "artifac" + "tory",
    "sub" + "agent",
    "this ses" + "sion",
  ];
  const words = new RegExp(`\\b(?:${putOff.join("|")})\\b|${elsewhere.join("|")}`);
  const files = filesOf(".ts", ".md", ".yml", ".cjs", ".mjs", ".js", ".asl.json");
  expect(findings(files, (line) => words.exec(line)?.[0])).toEqual([]);
});

/** Each of these stood for something that has a plain name, and sent readers back to the start of the sentence. */
const riddles: readonly (readonly [RegExp, string])[] = [
  [/\bbrakes?\b/i, "write: a stop"],
  [
    /\b(?:a|the|somebody's|somebody else's|another) hand(?:'s)?\b|\bhand on AWSCURRENT\b/i,
    "write: changed outside Rekey",
  ],
  [/\bperson's word\b|\btheir word (?:lets|is|for)\b/i, "write: an order, or an attestation"],
  [/\bleft[- ]behind key|\bkeys? (?:that was |that is )?left behind\b/i, "write: a superseded key"],
  [/\b(?:is|was|are|be) as good as\b|\bunheard\b|\bstruck (?:off|for)\b/i, "say what happens"],
];

test("comments, docs and messages use the plain name of a thing", () => {
  const files = filesOf(".ts", ".md").filter(({ path }) => topOf(path) !== "test");
  const riddleIn = (line: string) => riddles.find(([words]) => words.test(line))?.[1];
  expect(findings(files, riddleIn)).toEqual([]);
});

test("which failed call to AWS may be tried again is said in aws/failure.ts, and nowhere else", () => {
  const owner = "aws/failure.ts";
  const decided = /httpStatusCode|["'/|](?:Throttl|SlowDown|TooManyRequests|ProvisionedThrough|ExpiredToken)/;
  const callers = [
    "core",
    "events",
    "providers",
    "stores",
    "ledger",
    "consumers",
    "audit",
    "functions",
    "cli",
  ];
  const files = ours.filter(({ path }) => callers.includes(topOf(path)) && path !== owner);
  expect(findings(files, (line) => decided.exec(line)?.[0])).toEqual([]);
  expect(ours.find(({ path }) => path === owner)?.text).toMatch(decided);
});

test("every client of AWS is made with aws/bounds.ts, but the one that waits for a sweep", () => {
  const unbounded =
    /new \w+Client\((?!awsBounds\)|\{ \.\.\.awsBounds, |\{ \.\.\.bounded, |\{ region, \.\.\.bounded \})/;
  const callers = ["functions", "consumers", "stores", "ledger", "audit", "cli"];
  const files = ours.filter(({ path }) => callers.includes(topOf(path)));
  expect(findings(files, (line) => unbounded.exec(line)?.[0])).toEqual([
    expect.stringMatching(/^cli\/aws\.ts:\d+: new LambdaClient\($/),
  ]);
  expect(files.filter(({ text }) => text.includes("(awsBounds)")).length).toBeGreaterThan(5);
});

describe("machines, as AWS's console shows them", () => {
  const states = filesOf(".asl.json").flatMap(({ path, text }) =>
    statesIn(JSON.parse(text)).map((state) => ({ at: `${path}: ${state.name}`, ...state })),
  );

  test("every choice says what it decides", () => {
    const choices = states.filter(({ Type }) => Type === "Choice");
    expect(choices.length).toBeGreaterThan(20);
    expect(choices.filter(({ Comment }) => !Comment).map(({ at }) => at)).toEqual([]);
  });

  test("people are told how long a key is waited for, as the machine waits", () => {
    const awaitKey = states.find(({ name, at }) => name === "AwaitKey" && at.includes("rotation.asl"));
    expect(Number(awaitKey?.TimeoutSeconds) * 1000).toBe(supplyWithinMs);
  });

  test("a wait that runs out its time leaves no error in what the next states see", () => {
    const waits = states.flatMap(({ at, Resource = "", Catch = [] }) =>
      Resource.endsWith(".waitForTaskToken") ? Catch.map((each) => ({ at, ...each })) : [],
    );
    const ordinary = waits.filter(
      ({ ErrorEquals, Next }) => ErrorEquals.includes("States.Timeout") && Next !== "SupplyOverdue",
    );
    expect(ordinary.length).toBeGreaterThan(5);
    expect(ordinary.filter(({ ResultPath }) => ResultPath !== null).map(({ at }) => at)).toEqual([]);
  });
});

describe("errors", () => {
  const classes = Object.entries(errors).filter(([name]) => name !== "RotationError") as unknown as [
    string,
    new (message: string) => errors.RotationError,
  ][];
  const retries = new Map(classes.map(([name, Class]) => [name, new Class("told").retry]));
  const machines = filesOf(".asl.json").map(({ path, text }) => ({
    path,
    text,
    states: statesIn(JSON.parse(text)),
  }));

  test.each(classes)("%s says its own name, in letters that a minifier leaves alone", (name, Class) => {
    const error = new Class("told");
    expect([error.name, error.message]).toEqual([name, "told"]);
    const source = ours.find(({ path }) => path === "core/errors.ts")?.text ?? "";
    expect(source).toMatch(
      new RegExp(`class ${name} extends RotationError \\{\\n  override readonly name = "${name}";`),
    );
  });

  test("every name that a machine retries or catches is one that something throws", () => {
    const aws = /^(?:States|Lambda|Runtime|Sandbox|Events|DynamoDB|EventBridge|Sns)\.\w+$/;
    const thrown = codeless(ours.filter(({ path }) => /^(?:functions|core|statemachines)\//.test(path)));
    const wrong = machines.flatMap(({ path, states }) =>
      states
        .flatMap(({ Retry = [], Catch = [] }) =>
          [...Retry, ...Catch].flatMap(({ ErrorEquals }) => ErrorEquals),
        )
        .filter((name) => !aws.test(name) && !retries.has(name) && !thrown.includes(`error: "${name}"`))
        .map((name) => `${path}: ${name}`),
    );
    expect([...new Set(wrong)]).toEqual([]);
  });

  test("a machine retries what may be tried again, and nothing else", () => {
    const wrong = machines.flatMap(({ path, states }) =>
      states
        .flatMap(({ Retry = [] }) => Retry.flatMap(({ ErrorEquals }) => ErrorEquals))
        .filter((name) => retries.get(name) === "never")
        .map((name) => `${path}: retries ${name}`),
    );
    expect([...new Set(wrong)]).toEqual([]);
  });

  test("every task that runs a function retries each error that says: later", () => {
    /** Only one state uses a key that may not be active yet, and it has a retry of its own. */
    const special = new Set(["KeyNotYetActive"]);
    const later = [...retries].flatMap(([name, kind]) =>
      kind === "never" || special.has(name) ? [] : [name],
    );
    const wrong = machines.flatMap(({ path, states }) =>
      states
        .filter(({ Type, Resource = "" }) => Type === "Task" && /lambda:invoke|Arn\}$/.test(Resource))
        .flatMap(({ name, Retry = [] }) => {
          const retried = Retry.flatMap(({ ErrorEquals }) => ErrorEquals);
          return later
            .filter((error) => !retried.includes(error))
            .map((error) => `${path}: ${name} gives up at ${error}`);
        }),
    );
    expect(wrong).toEqual([]);
  });
});

describe("a Task state is named like the function that it calls", () => {
  const called = machineTexts().flatMap(({ name: machine, text }) =>
    statesIn(JSON.parse(text)).flatMap((state) => {
      const calls = handlerNames().find((name) =>
        JSON.stringify([state.Resource, state.Parameters?.FunctionName]).includes(
          `\${${stateName(name)}Arn}`,
        ),
      );
      return state.Type === "Task" && calls !== undefined ? [{ machine, state: state.name, calls }] : [];
    }),
  );

  test("or stands in statemachines/further-uses.ts with a reason", () => {
    const unlike = called.filter(({ state, calls }) => state !== stateName(calls));
    const listed = Object.entries(furtherUses).flatMap(([machine, states]) =>
      Object.entries(states).map(([state, { calls }]) => ({ machine, state, calls })),
    );
    const text = ({ machine, state, calls }: (typeof called)[number]) =>
      `${machine}: ${state} calls ${calls}`;
    expect(called.length).toBeGreaterThan(35);
    expect(unlike.map(text).sort()).toEqual(listed.map(text).sort());
  });

  test("and every function that a machine calls has such a state", () => {
    const names = [...new Set(called.map(({ calls }) => calls))];
    const without = names.filter((name) => !called.some(({ state }) => state === stateName(name)));
    expect(without).toEqual([]);
  });
});

test("every function is a step in the registry, or says here what runs it", () => {
  /** Lambda functions that no state machine and no bus rule of ours starts with a step's input. */
  const others: Readonly<Record<string, string>> = {
    "functions/admin/admin.ts": "behind the function URL of people's commands",
    "functions/upkeep/anchor-audit.ts": "a schedule's, with the key that signs checkpoints",
    "functions/upkeep/export-kit.ts": "a schedule's and a person's, with the bucket in another Region",
    "functions/key-index/index-secrets.ts": "a schedule's, which names Rekey's own secrets",
    "functions/alerts/intake.ts": "behind the function URL of alerts",
    "functions/evidence/permit-restart.ts": "behind the function URL that rekey exec asks",
    "functions/alerts/synthetic-leak.ts": "a schedule's, with a way to post to the intake",
  };
  const registry = ours.find(({ path }) => path === "functions/index.ts");
  const registered = new Set(
    (registry ? importsOf(registry) : []).map(({ specifier }) => posix.join("functions", specifier)),
  );
  const handlers = ours
    .filter(({ path, text }) => topOf(path) === "functions" && /^export const handler\b/m.test(text))
    .map(({ path }) => path);
  expect(handlers.filter((path) => !registered.has(path) && others[path] === undefined)).toEqual([]);
  expect(Object.keys(others).filter((path) => !handlers.includes(path))).toEqual([]);
});

describe("what only tests use is no product code", () => {
  const product = ours.filter(({ path }) => topOf(path) !== "test");
  /** Files that something other than an import starts or finds. */
  const started: readonly { readonly path: RegExp; readonly by: string }[] = [
    { path: /^functions\/.+/, by: "handlers are found by the package, and the rest is theirs" },
    {
      path: /\/(?:adapter|fake)\.ts$/,
      by: "an adapter is a file of its own in each zip; its fake stands in for it",
    },
    {
      path: /^(?:ledger|stores)\/memory\.ts$/,
      by: "the simulator's table and store, under the same contract suites",
    },
    { path: /^ledger\/copy-table\.ts$/, by: "`npm run ledger:copy`, as docs/restore.md says" },
  ];

  test("every file of core/ and of the adapters is imported by the product", () => {
    const rooms = ["core", "aws", "events", "providers", "stores", "ledger", "consumers", "audit"];
    const used = new Set(
      product.flatMap((file) =>
        importsOf(file).map(({ specifier }) => posix.join(posix.dirname(file.path), specifier)),
      ),
    );
    const unused = product
      .map(({ path }) => path)
      .filter((path) => rooms.includes(topOf(path)) && !used.has(path))
      .filter((path) => !started.some((one) => one.path.test(path)));
    expect(unused).toEqual([]);
  });

  test("every function that core/ exports is called by the product", () => {
    const core = product.filter(({ path }) => topOf(path) === "core");
    const code = product.map(({ path, text }) => ({ path, text: codeOf(text) }));
    const unused = core.flatMap((file) =>
      [...file.text.matchAll(/^export (?:function|const) (\w+)/gm)]
        .map(([, name = ""]) => name)
        .filter((name) => {
          const word = new RegExp(`\\b${name}\\b`, "g");
          const own = code.find(({ path }) => path === file.path)?.text.match(word)?.length ?? 0;
          return own < 2 && !code.some(({ path, text }) => path !== file.path && word.test(text));
        })
        .map((name) => `${file.path}: ${name}`),
    );
    expect(unused).toEqual([]);
  });
});

test("Node's own modules are imported by name, at the top: what a late import of one gives, a bundle in parts does not", () => {
  const files = ours.filter(({ path }) => topOf(path) !== "test" && path !== "sdk/build-late.ts");
  expect(findings(files, (line) => /import\(\s*["'`]node:/.exec(line)?.[0])).toEqual([]);
});

test("every test file has a test", () => {
  const files = ours.filter(({ path }) => path.endsWith(".test.ts"));
  const empty = files.filter(
    ({ text }) =>
      !/^\s*(?:(?:test|it)(?:\.\w+)*[<(]|\w*(?:[Cc]ontract|[Ss]uite|[Cc]ases)\w*\(|describe\w+\(|for \()/m.test(
        text,
      ),
  );
  expect(files.length).toBeGreaterThan(20);
  expect(empty.map(({ path }) => path)).toEqual([]);
});

test("no test is skipped without a reason, and none runs alone", () => {
  const files = ours.filter(({ path }) => path.startsWith("test/"));
  const wrong = findings(files, (line) => /^\s*(?:test|it|describe)\.(?:only|skip|todo)\b/.exec(line)?.[0]);
  expect(wrong).toEqual([]);
});

describe("what the checks themselves see", () => {
  test("strings, comments and regular expressions are no code", () => {
    const code = codeOf(
      'const a = "Date"; // Date\n/* Date\nDate */ const b = `Date`; const c = /["Date]/.test(d);\nDate.now();',
    );
    expect(code.match(/Date/g)).toHaveLength(1);
    expect(code.split("\n")).toHaveLength(4);
  });

  test("a function is as long as from its opening line to its closing one", () => {
    const text =
      "function a(\n  b: number,\n): void {\n  c();\n  d();\n}\n\nconst e = () => {\n  if (f) {\n    g();\n  }\n};\n";
    expect(functionsIn({ text }).map(({ line, length }) => [line, length])).toEqual([
      [3, 4],
      [8, 5],
    ]);
  });

  test("parameters are counted over types and lines", () => {
    const text =
      "function a(b: Map<string, number>, { c, d }: E, f: (g: H, i: J) => K,\n) {}\nfunction z() {}\n";
    expect(parameterCounts({ text }).map(({ count }) => count)).toEqual([3, 0]);
  });

  test("imports are found however they are written", () => {
    const text =
      'import a from "./a.ts";\nimport type {\n  B,\n} from "./b.ts";\nexport { c } from "./c.ts";\nawait import("./d.ts");\nimport "./e.ts";\n';
    expect(importsOf({ text }).map(({ specifier }) => specifier)).toEqual([
      "./a.ts",
      "./b.ts",
      "./c.ts",
      "./d.ts",
      "./e.ts",
    ]);
  });
});

interface StateText {
  readonly name: string;
  readonly Type: string;
  readonly Comment?: string;
  readonly TimeoutSeconds?: number;
  readonly Resource?: string;
  readonly Parameters?: { readonly FunctionName?: string };
  readonly Retry?: readonly { readonly ErrorEquals: readonly string[] }[];
  readonly Catch?: readonly {
    readonly ErrorEquals: readonly string[];
    readonly ResultPath?: string | null;
    readonly Next: string;
  }[];
}

/** Every state of a machine, with those inside Parallel branches and Map iterations. */
function statesIn(machine: unknown): readonly StateText[] {
  if (typeof machine !== "object" || machine === null) return [];
  const { States = {} } = machine as { States?: Readonly<Record<string, StateText>> };
  const own = Object.entries(States).map(([name, state]) => ({ ...state, name }));
  const inner = Object.entries(machine).flatMap(([, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap(statesIn),
  );
  return [...own, ...inner];
}

function codeless(files: readonly SourceFile[]): string {
  return files.map(({ text }) => text).join("\n");
}

test("every planted bug has its place in the source, once", () => {
  const wrong = plantedBugs.filter(
    ({ file, find }) => ours.find(({ path }) => path === file)?.text.split(find).length !== 2,
  );
  expect(wrong.map(({ name }) => name)).toEqual([]);
});
