import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SecretUnusable } from "../../core/errors.ts";
import { appliedWorld, rekey } from "./cli-world.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rekey-pull-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function pulled(line: string, options: { readonly more?: string; readonly denied?: boolean } = {}) {
  const { world, keys, file } = await appliedWorld();
  const { more = "" } = options;
  const world2 = options.denied
    ? {
        ...world,
        store: {
          ...world.store,
          current: () => Promise.reject(new SecretUnusable("billing: access denied: allow GetSecretValue")),
        },
      }
    : world;
  const text = `${file}\napplications:\n  shop:\n    - { to: web, prefix: SHOP_, takes: { KEY: billing-key } }\n    - { to: ci, takes: { AUTH: { from: billing-key, text: "Bearer {key}" } } }\n${more}`;
  const args = line.split(" ").map((word) => word.replace("FOLDER", folder));
  const said = await rekey(world2 as typeof world, args, { files: { "rekey.yml": text } });
  const [key = ""] = Object.values(keys).map((each) => JSON.stringify(each));
  return { ...said, key, world };
}

const path = () => join(folder, ".env");

test("a consumer's values go under its own names into a file that only its owner reads", async () => {
  const { code, out, err } = await pulled("pull shop --to FOLDER/.env");
  expect(err).toBe("");
  expect(code).toBe(0);
  const text = readFileSync(path(), "utf8");
  expect(text).toMatch(/^# pulled by rekey for shop in production: not for version control\n/);
  expect(text).toMatch(/^SHOP_KEY=sk-/m);
  const key = /^SHOP_KEY=(.+)$/m.exec(text)?.[1] ?? "missing";
  expect(text).toContain(`AUTH='Bearer ${key}'`);
  expect(statSync(path()).mode & 0o777).toBe(0o600);
  expect(out).toContain("SHOP_KEY");
  expect(out).not.toContain(key);
  expect(readdirSync(folder)).toEqual([".env"]);
});

test("one place's names only, and the whole as JSON", async () => {
  const { out } = await pulled("pull shop --at ci --format json --to FOLDER/s.json --json");
  expect(JSON.parse(out)).toEqual({
    ...{
      type: "pull",
      consumer: "shop",
      environment: "production",
      path: join(folder, "s.json"),
      written: true,
    },
    names: [{ name: "AUTH", change: "new" }],
  });
  expect(Object.keys(JSON.parse(readFileSync(join(folder, "s.json"), "utf8")))).toEqual(["AUTH"]);
});

test("a consumer that reads the secret itself gets it under the secret's name", async () => {
  await pulled("pull billing --format shell --to FOLDER/s.sh");
  expect(readFileSync(join(folder, "s.sh"), "utf8")).toMatch(/^export BILLING_KEY='sk-/m);
});

test("a dry run shows the names, and writes nothing", async () => {
  const { code, out } = await pulled("pull shop --dry-run --to FOLDER/.env");
  expect(code).toBe(0);
  expect(out).toMatch(/new +SHOP_KEY +billing-key/);
  expect(out).toContain("nothing was written");
  expect(existsSync(path())).toBe(false);
});

test("a file that is there is replaced only after its names were shown", async () => {
  writeFileSync(path(), "# mine\nSHOP_KEY=old-FAKE\nMINE=1\n", { mode: 0o644 });
  const { code, err } = await pulled("pull shop --to FOLDER/.env");
  expect(code).toBe(1);
  expect(err).toContain("new AUTH; changed SHOP_KEY; removed MINE");
  expect(err).not.toContain("old-FAKE");
  expect(readFileSync(path(), "utf8")).toContain("old-FAKE");

  const { out } = await pulled("pull shop --overwrite --to FOLDER/.env");
  expect(out).toMatch(/removed +MINE/);
  expect(readFileSync(path(), "utf8")).not.toContain("old-FAKE");
  expect(statSync(path()).mode & 0o777).toBe(0o600);
});

test("the same again needs no word, and says that nothing changes", async () => {
  await pulled("pull shop --to FOLDER/.env");
  const { code, out } = await pulled("pull shop --to FOLDER/.env");
  expect(code).toBe(0);
  expect(out).toMatch(/unchanged +SHOP_KEY/);
});

test("a file that git would take into a commit is refused", async () => {
  execFileSync("git", ["init", "--quiet"], { cwd: folder });
  const { code, err } = await pulled("pull shop --to FOLDER/.env");
  expect(code).toBe(1);
  expect(err).toContain(".gitignore");
  expect(existsSync(path())).toBe(false);

  writeFileSync(join(folder, ".gitignore"), ".env\n");
  expect((await pulled("pull shop --to FOLDER/.env")).code).toBe(0);
  execFileSync("git", ["add", "--force", ".env"], { cwd: folder });
  expect((await pulled("pull shop --overwrite --to FOLDER/.env")).code).toBe(1);
});

test("what IAM refuses is not written, and production is its to refuse", async () => {
  const { code, err } = await pulled("pull shop --to FOLDER/.env", { denied: true });
  expect(code).toBe(1);
  expect(err).toContain("access denied");
  expect(err).toContain("IAM decides who may pull production");
  expect(existsSync(path())).toBe(false);
});

test.each([
  ["pull nobody", "billing, "],
  ["pull shop --at moon", "web, ci"],
  ["pull shop --format xml", "env, tfvars, json, shell"],
])("%s is refused with what there is", async (line, hint) => {
  const { code, err } = await pulled(line);
  expect(code).toBe(2);
  for (const part of hint.split(", ")) expect(err).toContain(part);
});

test("one name that is two things at two places needs a place", async () => {
  const more =
    '    - { to: pods, prefix: SHOP_, takes: { KEY: { from: billing-key, text: "Key {key}" } } }\n';
  const { code, err } = await pulled("pull shop --to FOLDER/.env", { more });
  expect(code).toBe(2);
  expect(err).toContain("--at");
  expect((await pulled("pull shop --at pods --to FOLDER/.env", { more })).code).toBe(0);
  expect(readFileSync(path(), "utf8")).toMatch(/^SHOP_KEY='Key sk-/m);
});
