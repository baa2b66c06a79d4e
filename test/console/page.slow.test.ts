import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { loadPage } from "../../console/page.ts";
import { type Console, startConsole } from "../../console/server.ts";
import { isInstance } from "../../core/adoption/evidence.ts";
import { appliedWorld, rekey } from "../cli/cli-world.ts";
import { golden } from "../machine/certificate/golden.ts";
import {
  addCampaign,
  addCertified,
  addFleet,
  addIncident,
  addReport,
  addRotation,
  addSecret,
  arnOf,
  campaignId,
  emptyWorld,
  incidentId,
  policyOf,
  rotationId,
  type World,
} from "./world.ts";

const seconds = 1_000;
const day = 24 * 3_600 * seconds;
const hostile = `<img src=x onerror="document.title='harmed'">'; touch harmed; '`;
let browser: Browser;
let profile: string;
let world: World;
let served: Console;
let page: Page;
/** What the page complained about, or asked somebody else for. */
let complaints: string[];

/** Built once for all tests. */
let files: ReturnType<typeof loadPage>;

beforeAll(async () => {
  files = loadPage();
  profile = mkdtempSync(join(tmpdir(), "rekey-console-"));
  browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-background-networking"],
    env: { ...process.env, HOME: profile } as Record<string, string>,
  });
}, 60 * seconds);
afterAll(async () => {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
});

beforeEach(() => {
  world = emptyWorld();
  complaints = [];
});
afterEach(async () => {
  await page.close();
  await served.close();
});

/** Opens the address that the terminal would show. */
async function open(look: { readonly width?: number; readonly dark?: boolean } = {}): Promise<Page> {
  served = await startConsole({ sources: world.sources, page: () => files, pollMs: 200 });
  page = await browser.newPage({
    viewport: { width: look.width ?? 1_200, height: 900 },
    colorScheme: look.dark ? "dark" : "light",
    reducedMotion: "reduce",
  });
  page.setDefaultTimeout(20 * seconds);
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith(`http://127.0.0.1:${served.port}/`)) complaints.push(request.url());
  });
  await page.goto(served.address);
  return page;
}

const view = (...parts: readonly string[]) =>
  page.evaluate(`location.hash = ${JSON.stringify(`/${parts.map(encodeURIComponent).join("/")}`)}`);
const isWide = () =>
  page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth");

test("the token leaves the address, opens the page once, and survives a reload as a cookie", async () => {
  await addSecret(world, policyOf("billing-key"), day);
  await open();
  await page.getByRole("link", { name: "billing-key" }).waitFor();

  expect(page.url()).toBe(`http://127.0.0.1:${served.port}/#/`);
  await page.reload();
  await page.getByRole("link", { name: "billing-key" }).waitFor();
  const other = await browser.newPage();
  await other.goto(served.address);
  await other.getByRole("alert").waitFor();
  expect(await other.getByRole("alert").textContent()).toContain("this address was used before");
  await other.close();
  expect(complaints).toEqual([]);
});

test("a thousand secrets: what needs a person on top, filtered, sorted, a page at a time", async () => {
  await addFleet(world, 997);
  await addRotation(world);
  await addIncident(world);
  await addSecret(world, policyOf("legacy-key"), 120 * day);
  await open();
  await page.getByRole("row", { name: /billing-key/ }).waitFor();

  expect(await page.locator(".wanted li").allTextContents()).toEqual([
    expect.stringContaining("Leak: search-key"),
    expect.stringContaining("rekey rotate legacy-key"),
  ]);
  expect(await page.locator(".fleet tbody tr").count()).toBe(50);
  await page.getByRole("button", { name: "Key age" }).click();
  expect(await page.locator(".fleet tbody tr").first().textContent()).toContain("legacy-key");
  await page.getByRole("button", { name: "Next", exact: true }).click();
  expect(await page.locator(".pager").textContent()).toContain("page 2 of 20");
  await page.getByRole("searchbox").fill("team-07 anthropic");
  expect(await page.locator(".filters output").textContent()).toMatch(/^\d+ shown$/);
  expect(await page.locator(".fleet tbody tr").first().textContent()).toContain("team-07");
  await page.getByRole("combobox").selectOption("needs a person");
  expect(await page.getByText("No secret fits.").count()).toBe(1);
  expect(complaints).toEqual([]);
});

test("a rotation: its states, its consumers, the reasons of its gate; and what happens next comes by itself", async () => {
  await addRotation(world);
  await open();
  await page.getByRole("link", { name: "billing-key" }).click();
  await page.locator(".matrix").waitFor();

  const chip = (instance: string) => page.locator(".chips .chip", { hasText: instance });
  expect(await chip("billing-1").textContent()).toContain("incoming");
  expect(await chip("billing-2").textContent()).toContain("both");
  expect(await chip("search-2").textContent()).toContain("retiring");
  expect(await chip("support-2").textContent()).toMatch(/silent for \d+ (?:s|min)/);
  expect(await page.locator(".reasons").textContent()).toContain("search-2 still holds the retiring key");
  expect(await page.locator(".node.running text").textContent()).toBe("AwaitEvidence");
  expect(await page.locator(".node.done").count()).toBe(10);
  expect(await page.locator(".events").textContent()).toContain("VersionPromoted");
  expect(await page.locator(".advice").textContent()).toContain("rekey watch billing-key");
  expect(await page.getByRole("link", { name: /AWS/ }).getAttribute("href")).toContain(rotationId);

  world.clock.nowMs += 1_000;
  await addReport(world, "billing-key", {
    ...{ consumer: "search", instance: "search-2", holds: "key_billing-key_next", agoMs: 0 },
  });
  await page.locator(".chips .chip.incoming", { hasText: "search-2" }).waitFor();
  expect(complaints).toEqual([]);
});

test("an incident: both clocks, who is cut off, the timeline; its death stops the clock", async () => {
  await addIncident(world);
  await open();
  await page.getByRole("link", { name: /Leak: search-key/ }).click();
  await page.locator(".clocks").waitFor();

  expect(await page.locator(".clock").nth(0).textContent()).toContain("0:41");
  expect(await page.locator(".clock").nth(1).textContent()).toContain("and counting");
  expect(await page.locator(".answers").textContent()).toContain("search, since");
  expect(await page.locator(".story").textContent()).toContain("revokeAccepted");

  await world.ledger.incidents.changeIncident(incidentId, (record) => ({
    ...record,
    status: "contained",
    keys: record.keys.map((key) => ({ ...key, state: "dead", deadAtMs: record.detectedAtMs + 250_000 })),
  }));
  await page.locator(".clock.good", { hasText: "4:10" }).waitFor();
  expect(complaints).toEqual([]);
});

test("a campaign stands for its incidents: one clock, its waves, who has to do what, and how each key stands", async () => {
  await addIncident(world);
  await world.ledger.incidents.changeIncident(incidentId, (record) => ({ ...record, campaignId }));
  await addCampaign(world);
  await open();
  await page.getByRole("link", { name: "Campaign: provider openai-main" }).waitFor();
  expect(await page.locator(".wanted li").allTextContents()).toEqual([
    expect.stringMatching(/running: 2 of 5 contained, 3 replaced, 2 need people; 1[12]:\d\d left/),
  ]);
  expect(await page.locator("nav .count").textContent()).toBe("1");
  await page.getByRole("link", { name: /Incidents/ }).click();
  await page.getByRole("link", { name: "provider openai-main" }).click();
  await page.locator(".clocks").waitFor();

  const rowOf = (name: RegExp) => page.getByRole("row", { name }).textContent();
  expect(await page.locator(".clock").nth(0).textContent()).toContain("2 of 5");
  expect(await rowOf(/^canaries/)).toContain("1 of 1");
  expect(await page.locator(".wanted").textContent()).toContain("rekey supply mail-key");
  expect(await rowOf(/^search-key/)).toContain("replaced, its consumers move");
  expect(await rowOf(/^mail-key/)).toContain("waits for its turn");
  expect(await page.locator(".advice").textContent()).toContain(`rekey campaign pause ${campaignId}`);

  await world.ledger.campaigns.changeCampaign(campaignId, (now) => ({
    ...{ ...now, status: "paused" },
    paused: { why: "a canary failed", by: "rekey", atMs: world.clock.nowMs },
  }));
  await page.getByText("Paused by rekey: a canary failed").waitFor();
  expect(complaints).toEqual([]);
});

test("a certificate: from fleet and rotation, verified, as a file that the shown command verifies", async () => {
  const path = await addCertified(world, "billing-key");
  await open();
  await page.getByRole("link", { name: "certificate of billing-key" }).click();
  await page.getByText("verified: signed, unchanged").waitFor();
  expect(await page.getByRole("row", { name: /search-2/ }).textContent()).toContain("reported");
  await page.getByRole("link", { name: "billing-key", exact: true }).click();
  await page.getByText("owned by payments").waitFor();
  await page.getByRole("link", { name: "signed and filed" }).click();

  const kept: Record<string, string> = {};
  for (const name of ["r-1.json", "audit-key.pem"]) {
    const coming = page.waitForEvent("download");
    await page.getByRole("link", { name: `Download ${name}` }).click();
    const download = await coming;
    expect(download.suggestedFilename()).toBe(name);
    kept[name] = readFileSync(await download.path(), "utf8");
  }
  const shown = (await page.locator(".command code").first().textContent()) ?? "";
  expect(kept["r-1.json"]).toBe(world.filed.get(path));
  const verified = await rekey((await appliedWorld()).world, shown.replace(/^rekey /, ""), { files: kept });
  expect(verified.out).toContain("verified: the certificate of r-1");

  world.filed.set(path, golden("overdue-then-resumed"));
  await page.reload();
  await page.getByText("it is about rotation:r-2, not about r-1").waitFor();
  expect(await page.locator(".statement").count()).toBe(0);
  expect(complaints).toEqual([]);
});

test("an instance that a person said is gone is shown as forgotten, until it reports again", async () => {
  await addRotation(world);
  const gone = { consumer: "search", instance: "search-2", holds: "key_billing-key" };
  const item = (await world.ledger.evidence(arnOf("billing-key")))
    .filter(isInstance)
    .find(({ instance }) => instance === gone.instance);
  if (item === undefined) throw new Error("search-2 has not reported");
  const order = { by: "arn:aws:iam::111122223333:user/ana", reason: "the machine burnt" };
  const forgotten = { ...order, atMs: world.clock.nowMs - 1_000, sequence: item.sequence };
  await world.ledger.forgetInstance(arnOf("billing-key"), item, forgotten);
  await open();
  await page.getByRole("link", { name: "billing-key" }).click();
  await page.locator(".chips .chip.ended", { hasText: "search-2" }).waitFor();
  const chip = page.locator(".chips .chip", { hasText: "search-2" });
  expect(await chip.textContent()).toMatch(/forgotten .* ago by ana: the machine burnt/);
  expect(await page.getByText("3 of 5 instances on the incoming key alone").count()).toBe(1);

  world.clock.nowMs += 5_000;
  await addReport(world, "billing-key", { ...gone, agoMs: 0 });
  await page.locator(".chips .chip:not(.ended)", { hasText: "search-2" }).waitFor();
  expect(complaints).toEqual([]);
});

test("the audit chains are verified, one of them by the browser itself, and a forged entry shows", async () => {
  await addRotation(world);
  await open();
  await page.getByRole("link", { name: "Audit" }).click();
  await page.getByText("every chain is whole").waitFor();
  await page.getByRole("link", { name: "billing-key" }).click();
  await page.getByText("2 of 2 hashes computed here, each is right").waitFor();

  const key = { kind: "AUDIT", id: arnOf("billing-key"), sort: "000000000002" };
  const stored = await world.table.get(key);
  await world.table.put({
    ...{ ...key, revision: (stored?.revision ?? 0) + 1 },
    body: { ...(stored?.body as object), actor: "somebody else" },
  });
  await page.getByText("broken at entry 2").waitFor();
  await page.getByRole("link", { name: "Audit" }).first().click();
  await page.getByText("1 chains are broken").waitFor();
  expect(complaints).toEqual([]);
});

test("hostile names are text, and no command is made of them", async () => {
  const policy = policyOf("billing-key");
  await addSecret(world, { ...policy, name: hostile, environment: hostile }, 120 * day);
  await addReport(world, "billing-key", { consumer: hostile, instance: hostile, holds: "key_billing-key" });
  await world.audit.append(arnOf("billing-key"), {
    ...{ id: "1", actor: hostile, action: hostile, detail: { [hostile]: hostile } },
  });
  await open();
  await page.getByRole("link", { name: hostile }).first().waitFor();
  expect(await page.locator(".command code").allTextContents()).toEqual([
    `rekey rotate ${arnOf("billing-key")}`,
  ]);
  await view("rotation", arnOf("billing-key"));
  await page.locator(".chips .chip", { hasText: hostile }).waitFor();

  expect(await page.locator("img").count()).toBe(0);
  expect(await page.title()).toBe("Rotation · Rekey");
  expect(complaints).toEqual([]);
});

test("no script that comes in as text can run: the page forbids what could", async () => {
  await addSecret(world, policyOf("billing-key"), day);
  await open();
  await page.getByRole("link", { name: "billing-key" }).waitFor();

  const tried = (code: string) =>
    page.evaluate(`(() => { try { ${code}; return "done" } catch (e) { return e.name } })()`);
  expect(await tried("document.body.innerHTML = '<b>x</b>'")).toBe("TypeError");
  expect(await tried("document.body.appendChild(document.createElement('script')).text = 'x'")).toBe(
    "TypeError",
  );
  expect(await page.evaluate("fetch('http://127.0.0.1:1/').catch((e) => e.name)")).toBe("TypeError");
  expect(complaints.join("\n")).toMatch(/Content Security Policy/);
});

test("the keyboard alone leads from the top to a secret, and focus follows into its view", async () => {
  await addRotation(world);
  await open();
  await page.getByRole("link", { name: "billing-key" }).waitFor();
  await page.keyboard.press("Tab");
  expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to content");
  await page.keyboard.press("Enter");
  expect(await page.evaluate("document.activeElement.id")).toBe("main");
  for (let presses = 0; presses < 20; presses += 1) {
    await page.keyboard.press("Tab");
    if ((await page.evaluate("document.activeElement.textContent")) === "billing-key") break;
  }
  await page.keyboard.press("Enter");
  await page.locator(".matrix").waitFor();

  expect(await page.evaluate("document.activeElement.id")).toBe("main");
  expect(await page.getByRole("heading", { level: 1 }).textContent()).toContain("billing-key");
  expect(await page.locator(".graph .unseen").textContent()).toContain("AwaitEvidence: running");
});

test.each([
  ["light", 400],
  ["dark", 400],
  ["dark", 1_200],
] as const)("nothing runs out of a %s page of %i pixels", async (scheme, width) => {
  await addFleet(world, 60);
  await addRotation(world);
  await addIncident(world);
  await addCampaign(world);
  await addCertified(world, "shop-key");
  await open({ width, dark: scheme === "dark" });
  await page.getByRole("link", { name: "billing-key" }).first().waitFor();
  expect(await isWide()).toBe(false);
  await view("rotation", arnOf("billing-key"));
  await page.locator(".matrix").waitFor();
  expect(await isWide()).toBe(false);
  await view("incident", incidentId);
  await page.locator(".clocks").waitFor();
  expect(await isWide()).toBe(false);
  await view("audit");
  await page.getByText("every chain is whole").waitFor();
  expect(await isWide()).toBe(false);
  await view("campaign", campaignId);
  await page.locator(".clocks").waitFor();
  expect(await isWide()).toBe(false);
  await view("certificate", arnOf("shop-key"), "r-1");
  await page.getByText("verified: signed").waitFor();
  expect(await isWide()).toBe(false);
});
