import { Secret } from "../../core/secret.ts";
import { destinationKinds } from "../../destinations/index.ts";
import { destinationContract } from "./destination-contract.ts";
import {
  cloudflareWorld,
  destinationWorlds,
  flyWorld,
  githubWorld,
  gitlabWorld,
  googleWorld,
  herokuWorld,
  kubernetesWorld,
  lambdaWorld,
  parameterStoreWorld,
  vercelWorld,
} from "./destination-worlds.ts";

const copy = (text: string) => ({ name: "OPENAI_API_KEY", text: new Secret(text), versionId: "v1" });

test("every kind of destination passes the suite", () => {
  expect(Object.keys(destinationWorlds).sort()).toEqual(Object.keys(destinationKinds).sort());
});

describe.each(Object.entries(destinationWorlds))("%s", (_kind, makeWorld) => destinationContract(makeWorld));

describe("google-secret-manager, of one location", () =>
  destinationContract(() => googleWorld("europe-west3")));

describe("google-secret-manager", () => {
  const name = "OPENAI_API_KEY";
  const numbers = ({ fake }: ReturnType<typeof googleWorld>) => fake.secrets.get(name)?.aliases;
  const isAdd = { kind: "lostReply", on: "write" } as const;

  test("the alias moves to the new version, and the one from before stays readable", async () => {
    const world = googleWorld();
    world.fake.create(name);
    world.fake.alias(name, "current", world.fake.add(name, "sk-FAKE-one"));

    await world.destination.write({ ...copy("sk-FAKE-two"), seen: await world.destination.look(name) });

    expect(numbers(world)).toEqual({ current: "2", previous: "1" });
  });

  test("a version whose answer was lost is found again, and no second one is made", async () => {
    const world = googleWorld();
    await world.put(name, "sk-FAKE-one");
    const seen = await world.destination.look(name);
    world.inject?.(isAdd);
    const first = world.destination.write({ ...copy("sk-FAKE-two"), seen });
    await expect(first).rejects.toMatchObject({ name: "ProviderUnavailable" });
    await world.destination.write({ ...copy("sk-FAKE-two"), seen: await world.destination.look(name) });

    expect(world.fake.secrets.get(name)?.versions).toHaveLength(2);
    expect(numbers(world)?.["current"]).toBe("2");
  });

  test("where nobody set the alias, what readers of the newest version have is not overwritten unseen", async () => {
    const world = googleWorld();
    world.fake.create(name);
    world.fake.add(name, "somebody-else-FAKE");
    const seen = await world.destination.look(name);

    expect(seen.mark).toBe("version 1");
    world.fake.add(name, "somebody-elses-next-FAKE");
    const late = world.destination.write({ ...copy("sk-FAKE-two"), seen });
    await expect(late).rejects.toMatchObject({ name: "ProviderUnavailable" });
  });

  test("a version that somebody disabled is named, and not taken for none", async () => {
    const world = googleWorld();
    await world.put(name, "sk-FAKE-one");
    const [version] = world.fake.secrets.get(name)?.versions ?? [];
    Object.assign(version ?? {}, { state: "DISABLED" });

    await expect(world.destination.read(name)).rejects.toMatchObject({ name: "CopyRefused" });
  });
});

describe("github-actions", () => {
  test("sharing of an organization's secret is not reset", async () => {
    const { destination, fake } = githubWorld({ owner: "acme" });
    fake.put("OPENAI_API_KEY", "sk-FAKE-one", { visibility: "selected", sharedWith: [7, 9] });

    await destination.write({ ...copy("sk-FAKE-two"), seen: await destination.look("OPENAI_API_KEY") });

    expect(fake.secrets.get("OPENAI_API_KEY")).toMatchObject({
      ...{ text: "sk-FAKE-two", visibility: "selected", sharedWith: [7, 9] },
    });
  });

  test("a new secret of an organization is not shared with everybody", async () => {
    const { destination, fake } = githubWorld({ owner: "acme" });
    await destination.write({ ...copy("sk-FAKE-one"), seen: {} });
    expect(fake.secrets.get("OPENAI_API_KEY")?.visibility).toBe("private");
  });

  test("an organization's runs cannot be seen, so the longest one is waited for", async () => {
    const { destination } = githubWorld({ owner: "acme" });
    const written = {
      name: "X",
      versionId: "v1",
      write: "v1",
      mark: "2026-01-01T00:00:00Z",
      seenAtMs: 1_000,
    };
    const hourMs = 3_600_000;

    expect(await destination.use({ ...written, nowMs: 1_000 + 5 * hourMs })).toMatchObject({
      ...{ state: "activating", remainingMs: hourMs },
    });
    expect((await destination.use({ ...written, nowMs: 1_000 + 6 * hourMs })).state).toBe("active");
  });

  test.each(["GITHUB_TOKEN", "1KEY", "A-B"])("the name %s is refused", (name) => {
    expect(githubWorld().destination.whyNotName(name)).toEqual(expect.any(String));
  });
});

describe("vercel", () => {
  test("a variable that is also that of previews is a conflict", async () => {
    const { destination, fake } = vercelWorld();
    fake.put("OPENAI_API_KEY", "sk-FAKE-one", { target: ["production", "preview"] });

    expect((await destination.look("OPENAI_API_KEY")).conflict).toContain("preview");
  });

  test("a variable of one preview branch is not touched", async () => {
    const { destination, fake } = vercelWorld();
    fake.put("OPENAI_API_KEY", "branch-FAKE", { target: ["preview"], gitBranch: "next" });
    await destination.write({ ...copy("sk-FAKE-one"), seen: {} });

    expect(fake.variables.map(({ value, target }) => `${value} ${target}`)).toEqual([
      "branch-FAKE preview",
      "sk-FAKE-one production",
    ]);
  });

  test("a build that an Ignored Build Step cancels is said to be that", async () => {
    const { destination, fake } = vercelWorld();
    const mark = await destination.write({ ...copy("sk-FAKE-one"), seen: {} });
    const written = { name: "OPENAI_API_KEY", versionId: "v1", write: "v1", mark, seenAtMs: 0 };
    const started = await destination.activate(written);
    fake.finish("CANCELED");

    expect(await destination.use({ ...written, ...(started && { started }), nowMs: 0 })).toMatchObject({
      ...{ state: "failed", detail: expect.stringContaining("Ignored Build Step") },
    });
  });

  test("a project without a repository is deployed by its people, and that is seen", async () => {
    const { destination, fake } = vercelWorld();
    fake.isConnected = false;
    const mark = await destination.write({ ...copy("sk-FAKE-one"), seen: {} });
    const written = { name: "OPENAI_API_KEY", versionId: "v1", write: "v1", mark, seenAtMs: 0, nowMs: 0 };
    expect(await destination.activate(written)).toBeUndefined();
    expect((await destination.use(written)).state).toBe("idle");

    fake.deploy();
    fake.finish();

    expect((await destination.use(written)).state).toBe("active");
  });
});

describe("kubernetes-secret", () => {
  test("an entry that another tool owns is named with it", async () => {
    const { destination, fake } = kubernetesWorld();
    fake.put("OPENAI_API_KEY", "sk-FAKE-one", "external-secrets");

    expect((await destination.look("OPENAI_API_KEY")).managedBy).toBe("external-secrets");
    const seen = { guard: "2" };
    await expect(destination.write({ ...copy("sk-FAKE-two"), seen })).rejects.toMatchObject({
      ...{ name: "CopyRefused", message: expect.stringContaining("external-secrets") },
    });
    expect(fake.valueOf("OPENAI_API_KEY")).toBe("sk-FAKE-one");
  });

  test("an immutable Secret is a conflict", async () => {
    const { destination, fake } = kubernetesWorld();
    fake.put("OPENAI_API_KEY", "sk-FAKE-one");
    fake.isImmutable = true;
    expect((await destination.look("OPENAI_API_KEY")).conflict).toContain("immutable");
  });
});

const name = "OPENAI_API_KEY";
const written = (mark: string) => ({ name, versionId: "v1", write: "v1", mark, seenAtMs: 1_000 });

describe("gitlab-ci", () => {
  test("a hidden variable is a conflict: a change of it would be noticed by nobody", async () => {
    const { destination, fake } = gitlabWorld();
    fake.put(name, "sk-FAKE-one", { hidden: true });
    expect((await destination.look(name)).conflict).toContain("hidden");
  });

  test("a variable of another scope is not touched, and a $ reaches the job as it is", async () => {
    const { destination, fake } = gitlabWorld();
    fake.put(name, "theirs-FAKE", { scope: "staging" });
    await destination.write({ ...copy("sk-FAKE-$one"), seen: {} });
    fake.begin();

    expect(fake.variables.get(`${name} staging`)?.value).toBe("theirs-FAKE");
    expect(fake.pipelines.map(({ given }) => given.get(name))).toContain("sk-FAKE-$one");
  });

  test("a new variable is masked and protected, and one that is there keeps what it has", async () => {
    const { destination, fake } = gitlabWorld();
    await destination.write({ ...copy("sk-FAKE-one"), seen: {} });
    expect(fake.variables.get(`${name} production`)).toMatchObject({ masked: true, protected: true });

    fake.put(name, "sk-FAKE-one", { masked: false, protected: false });
    await destination.write({ ...copy("sk-FAKE-two"), seen: {} });
    expect(fake.variables.get(`${name} production`)).toMatchObject({ masked: false, protected: false });
  });

  test("a pipeline that never ends is waited for as long as a job may run", async () => {
    const { destination, fake } = gitlabWorld();
    fake.begin();
    const mark = await destination.write({ ...copy("sk-FAKE-one"), seen: {} });
    const started = (await destination.activate(written(mark))) ?? "";
    const at = (nowMs: number) => destination.use({ ...written(mark), started, nowMs });

    expect((await at(1_000 + 3_599_999)).state).toBe("activating");
    expect((await at(1_000 + 3_600_000)).state).toBe("active");
  });
});

describe("cloudflare-workers", () => {
  test("a newest version that is not deployed is a conflict, because the write would fail", async () => {
    const { destination, fake } = cloudflareWorld();
    fake.put(name, "sk-FAKE-one");
    const [before] = fake.deployed;
    fake.upload();
    if (before !== undefined) fake.deployed = [before];

    expect((await destination.look(name)).conflict).toContain("version 3");
    await expect(destination.write({ ...copy("sk-FAKE-two"), seen: {} })).rejects.toMatchObject({
      name: "CopyRefused",
    });
  });

  test("a change stays known behind many uploads", async () => {
    const { destination, fake } = cloudflareWorld();
    const mark = await destination.write({ ...copy("sk-FAKE-one"), seen: {} });
    for (let upload = 0; upload < 150; upload++) fake.upload();

    expect((await destination.look(name)).mark).toBe(mark);
  });

  test("a gradual deployment that still serves an older version is waited for", async () => {
    const { destination, fake } = cloudflareWorld();
    const before = fake.deployed;
    const mark = await destination.write({ ...copy("sk-FAKE-one"), seen: {} });
    fake.deployed = [...before, ...fake.deployed];

    expect((await destination.use({ ...written(mark), nowMs: 0 })).state).toBe("activating");
  });
});

describe("fly", () => {
  test("a repeat restarts only what has not started since", async () => {
    const { destination, fake, pass } = flyWorld();
    const mark = await destination.write({ ...copy("sk-FAKE-one"), seen: {} });
    pass(1_000);
    const [one, two] = fake.machines;
    await destination.activate(written(mark));
    if (two !== undefined) two.isRestarting = false;
    fake.finish();
    fake.restarts.length = 0;
    await destination.activate(written(mark));

    expect(one?.given.get(name)).toBe("sk-FAKE-one");
    expect(fake.restarts).toEqual([two?.id]);
  });

  test("a stopped machine holds no key, and an app without machines says nothing", async () => {
    const { destination, fake } = flyWorld();
    const mark = await destination.write({ ...copy("sk-FAKE-one"), seen: {} });
    for (const machine of fake.machines) machine.state = "stopped";
    expect((await destination.use({ ...written(mark), nowMs: 0 })).state).toBe("active");

    fake.machines.length = 0;
    expect((await destination.use({ ...written(mark), nowMs: 0 })).state).toBe("idle");
    expect(await destination.whyNotHere()).toMatchObject({ reason: "WrongPlace" });
  });
});

describe("heroku", () => {
  test("the value that is there already makes no release, because each one restarts every dyno", async () => {
    const { destination, fake } = herokuWorld();
    await destination.write({ ...copy("sk-FAKE-one"), seen: {} });
    const releases = fake.releases.length;
    await destination.write({ ...copy("sk-FAKE-one"), seen: {} });
    expect(fake.releases).toHaveLength(releases);
  });
});

describe("parameter-store", () => {
  test("a parameter that is plain text is a conflict, because its type cannot be changed", async () => {
    const { destination, fake } = parameterStoreWorld();
    fake.put(`/shop/production/${name}`, "sk-FAKE-one", "String");

    expect((await destination.look(name)).conflict).toContain("SecureString");
    await expect(destination.write({ ...copy("sk-FAKE-two"), seen: {} })).rejects.toMatchObject({
      ...{ name: "CopyRefused", message: expect.stringContaining("HierarchyTypeMismatchException") },
    });
  });
});

describe("lambda-environment", () => {
  test("code that its people hold back is not released with the key", async () => {
    const { destination, fake } = lambdaWorld();
    fake.code = "code-2";
    expect((await destination.look(name)).conflict).toContain("other code");

    const mark = await destination.write({ ...copy("sk-FAKE-one"), seen: { guard: "1" } });
    await expect(destination.activate(written(mark))).rejects.toThrow("other code");
    expect(fake.published).toHaveLength(1);
  });

  test("a gradual deployment is not cut short", async () => {
    const { destination, fake } = lambdaWorld();
    fake.alias.besides = { "7": 0.1 };
    expect((await destination.look(name)).conflict).toContain("gradual");
  });

  test("the end of an update is waited for before a version is published", async () => {
    const { destination, fake } = lambdaWorld();
    fake.updateTakes = 3;
    const mark = await destination.write({ ...copy("sk-FAKE-one"), seen: await destination.look(name) });
    expect(await destination.activate(written(mark))).toBe("2");

    fake.updateTakes = 11;
    const next = await destination.write({ ...copy("sk-FAKE-two"), seen: await destination.look(name) });
    await expect(destination.activate(written(next))).rejects.toMatchObject({ name: "ProviderUnavailable" });
  });

  test("the other variables stay as they are", async () => {
    const { destination, fake } = lambdaWorld();
    fake.put("OTHER", "theirs-FAKE");
    await destination.write({ ...copy("sk-FAKE-one"), seen: await destination.look(name) });
    expect(fake.variables).toEqual({ OTHER: "theirs-FAKE", [name]: "sk-FAKE-one" });
  });
});
