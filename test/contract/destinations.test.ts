import { Secret } from "../../core/secret.ts";
import { destinationKinds } from "../../destinations/index.ts";
import { destinationContract } from "./destination-contract.ts";
import { destinationWorlds, githubWorld, kubernetesWorld, vercelWorld } from "./destination-worlds.ts";

const copy = (text: string) => ({ name: "OPENAI_API_KEY", text: new Secret(text), versionId: "v1" });

test("every kind of destination passes the suite", () => {
  expect(Object.keys(destinationWorlds).sort()).toEqual(Object.keys(destinationKinds).sort());
});

describe.each(Object.entries(destinationWorlds))("%s", (_kind, makeWorld) => destinationContract(makeWorld));

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
