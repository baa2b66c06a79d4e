import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parse } from "yaml";
import { packages, workspacePackages } from "../../release/pack.ts";
import { whyNotReleased } from "../../release/version.ts";
import { readDeployment, settingsOf } from "../../serverless/deployment.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const text = readFileSync(`${root}.github/workflows/release.yml`, "utf8");

interface Job {
  readonly permissions: Readonly<Record<string, string>>;
  readonly environment?: string;
  readonly needs?: string;
  readonly steps: readonly { readonly uses?: string; readonly run?: string }[];
}
const workflow: { readonly permissions: object; readonly jobs: Readonly<Record<string, Job>> } = parse(text);

test("no job has a right by default, and what publishes waits for people", () => {
  expect(workflow.permissions).toEqual({});
  const publishing = Object.entries(workflow.jobs).filter(([, { permissions }]) =>
    [permissions["contents"], permissions["packages"]].includes("write"),
  );
  expect(publishing.map(([name]) => name)).toEqual(["publish", "action", "image"]);
  for (const [, { environment }] of publishing) expect(environment).toBe("release");
});

test("no token of a registry is stored: npm trusts the workflow, and stages what it gets", () => {
  expect(text).not.toMatch(/NODE_AUTH_TOKEN|NPM_TOKEN|secrets\./);
  const runs = Object.values(workflow.jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
  expect(runs.filter((run) => /\bnpm publish\b/.test(run))).toEqual([]);
  expect(runs.some((run) => run.includes("npm stage publish"))).toBe(true);
  expect(workflow.jobs["publish"]?.permissions["id-token"]).toBe("write");
  expect(workflow.jobs["publish"]?.needs).toBe("build");
});

test("every script that it runs exists", () => {
  const scripts = [...text.matchAll(/\bnode ([\w./-]+\.ts)/g)].map(([, file = ""]) => file);
  expect(scripts).toEqual(["release/version.ts", "release/action.ts", "release/pack.ts"]);
  for (const file of scripts) expect([file, existsSync(root + file)]).toEqual([file, true]);
});

test("everything that is attached is there before the checksums are written", () => {
  const runs = workflow.jobs["build"]?.steps.flatMap(({ run }) => run ?? []) ?? [];
  const archives = runs.flatMap((run, index) =>
    [...run.matchAll(/dist\/release\/([\w-]+\.tgz)/g)].map(([, name = ""]) => ({ name, index })),
  );
  expect(archives.map(({ name }) => name)).toEqual(["rekey-cloudformation.tgz", "rekey-action.tgz"]);
  const checksums = runs.findIndex((run) => run.includes("release/pack.ts"));
  for (const { name, index } of archives) expect([name, index < checksums]).toEqual([name, true]);
});

test("the template and the zips are in the release before its checksums are written, under settings that hold", () => {
  const runs = workflow.jobs["build"]?.steps.flatMap(({ run }) => run ?? []) ?? [];
  const at = (part: string) => runs.findIndex((run) => run.includes(part));
  const order = [at("npm run package"), at("-C .serverless/release"), at("release/pack.ts")];
  expect(order).not.toContain(-1);
  expect(order).toEqual([...order].sort((one, other) => one - other));

  const [, stage = "", folder = ""] =
    /--stage (\w+) --region \S+ --param settings=(\S+)/.exec(runs[order[0] ?? 0] ?? "") ?? [];
  const settings = settingsOf(stage, pathToFileURL(`${root}${folder}/`));
  expect(readDeployment({ stage, region: "eu-central-1", settings }).environment).toBe("production");
});

test("a tag is released only as the version of every package, with its changes written down", () => {
  const [first] = packages().values();
  const version = first?.version ?? "";

  expect(whyNotReleased(`v${version}`, `# Changelog\n\n## ${version}\n`)).toEqual([]);
  expect(whyNotReleased(`v${version}`, "# Changelog\n")).toEqual([
    `CHANGELOG.md has no part "## ${version}"`,
  ]);
  expect(whyNotReleased("v99.0.0", "\n## 99.0.0\n")).toHaveLength(packages().size);
});

test("the image copies files that exist, and the manifest of each workspace", () => {
  const dockerfile = readFileSync(`${root}release/Dockerfile`, "utf8");
  for (const [folder] of workspacePackages())
    expect(dockerfile).toContain(`COPY ${folder}/package.json ${folder}/`);
  expect(dockerfile).toMatch(/^USER node$/m);
  for (const [, file = ""] of dockerfile.matchAll(/\/rekey\/([\w./-]+)(?= )/g)) {
    if (!file.includes("dist/")) expect([file, existsSync(root + file)]).toEqual([file, true]);
  }
});
