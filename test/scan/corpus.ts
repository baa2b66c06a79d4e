import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { issuers } from "../../providers/index.ts";
import type { Alphabet, KeyText } from "../../providers/key-text.ts";

/** Made anew in every run: a key in a fixture would be a finding of every scanner that reads this repository. */
export interface Planted {
  readonly path: string;
  readonly key: string;
  readonly provider: string;
}

const characters: Readonly<Record<Alphabet, string>> = {
  digits: "0123456789",
  hex: "0123456789abcdef",
  lowercase: "abcdefghijklmnopqrstuvwxyz0123456789",
  uppercase: "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
  letters: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
  base64: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
  base64url: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
  dotted: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.",
};

/** The same numbers for the same seed, so that a failing run can be repeated. */
export function numbersFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function keyLike(
  kind: Omit<KeyText, "prefix"> & { readonly prefix?: string },
  next: () => number,
): string {
  const { prefix = "", alphabet, length, holds = "" } = kind;
  const size = Math.max(length.min, Math.min(length.max, length.min + Math.floor(next() * 12)));
  const letters = characters[alphabet];
  const pick = () => letters[Math.floor(next() * letters.length)] ?? "";
  const tail = Array.from({ length: size - holds.length }, pick).join("");
  const middle = Math.floor(tail.length / 2);
  return prefix + tail.slice(0, middle) + holds + tail.slice(middle);
}

type Place = (key: string, nth: number) => readonly [path: string, content: string | Buffer];

/** Every kind of file in which a marked key has to be found, whatever its issuer. */
export const places: Readonly<Record<string, Place>> = {
  source: (key, n) => [`src/client-${n}.ts`, `export const client = new Client({ key: "${key}" });\n`],
  python: (key, n) => [`app/main_${n}.py`, `import sdk\nclient = sdk.Client(api_key='${key}')\n`],
  env: (key, n) => [`deploy-${n}/values.env`, `A=1\nexport THE_KEY="${key}"  # main\n`],
  yaml: (key, n) => [`charts/values-${n}.yaml`, `app:\n  key: ${key}\n`],
  bundle: (key, n) => [
    `dist/assets/index-${n}.js`,
    `${"!function(){var a=1;".repeat(400)}fetch("/x",{headers:{a:"Bearer ${key}"}})${"}()".repeat(400)}`,
  ],
  notebook: (key, n) => [
    `notebooks/try-${n}.ipynb`,
    JSON.stringify({ cells: [{ cell_type: "code", source: [`client = Client("${key}")\n`], outputs: [] }] }),
  ],
  agentConfiguration: (key, n) => [
    `tools-${n}/.mcp.json`,
    JSON.stringify({ mcpServers: { one: { command: "npx", env: { SOME_VALUE: key } } } }),
  ],
  terraformState: (key, n) => [
    `infra-${n}/terraform.tfstate`,
    JSON.stringify({
      terraform_version: "1.14.0",
      resources: [{ instances: [{ attributes: { secret_string: JSON.stringify({ apiKey: key }) } }] }],
    }),
  ],
  terraformPlan: (key, n) => [
    `infra-${n}/plan.tfplan`,
    zipOf({ tfplan: "\x0a\x01", tfstate: JSON.stringify({ outputs: { key: { value: key } } }) }),
  ],
  taskDefinition: (key, n) => [
    `ecs/task-${n}.json`,
    JSON.stringify({ containerDefinitions: [{ environment: [{ name: "THE_VALUE", value: key }] }] }),
  ],
  image: (key, n) => [
    `images/app-${n}.tar`,
    tarOf({
      "manifest.json": "[]",
      "blobs/sha256/abc": gzipSync(tarOf({ "app/settings.py": `KEY = "${key}"\n` })),
    }),
  ],
  utf16: (key, n) => [`scripts/set-${n}.ps1`, Buffer.from(`\ufeff$key = "${key}"\r\n`, "utf16le")],
};

/** A key of every shape of every issuer in every place, and the unmarked ones under their issuer's name. */
export function plantCorpus(folder: string, seed: number): readonly Planted[] {
  const next = numbersFrom(seed);
  const planted: Planted[] = [];
  let nth = 0;
  const plant = (provider: string, key: string, [path, content]: ReturnType<Place>) => {
    write(folder, path, content);
    planted.push({ path, key, provider });
  };
  for (const { kind: provider, keyTexts, unmarked = [] } of issuers) {
    for (const kind of keyTexts.filter(({ isId }) => isId !== true)) {
      for (const place of Object.values(places)) {
        nth += 1;
        const key = keyLike(kind, next);
        plant(provider, key, place(key, nth));
      }
    }
    for (const kind of unmarked) {
      nth += 1;
      const name = `${provider.toUpperCase().replaceAll("-", "_")}_API_KEY`;
      const key = keyLike(kind, next);
      plant(provider, key, [`unmarked/${nth}.env`, `${name}=${key}\n`]);
      const other = keyLike(kind, next);
      plant(provider, other, [`unmarked/${nth}.ts`, `const options = { "${name}": "${other}" };\n`]);
    }
  }
  return planted;
}

export function write(folder: string, path: string, content: string | Buffer): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

export function tarOf(files: Readonly<Record<string, string | Buffer>>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, content]) => {
    const bytes = Buffer.from(content);
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("0", 156);
    header.write("ustar\0", 257);
    return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1_024)]);
}

/** Stored, as Terraform's own plans may be; the file names and sizes are in the directory at the end. */
export function zipOf(files: Readonly<Record<string, string>>): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, text] of Object.entries(files)) {
    const [bytes, nameBytes] = [Buffer.from(text), Buffer.from(name)];
    const local = Buffer.alloc(30);
    local.writeUInt32BE(0x504b0304, 0);
    local.writeUInt16LE(nameBytes.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32BE(0x504b0102, 0);
    entry.writeUInt32LE(bytes.length, 20);
    entry.writeUInt16LE(nameBytes.length, 28);
    entry.writeUInt32LE(at, 42);
    bodies.push(local, nameBytes, bytes);
    directory.push(entry, nameBytes);
    at += 30 + nameBytes.length + bytes.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32BE(0x504b0506, 0);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...bodies, ...directory, end]);
}

/** A repository of its own, whatever git's settings on this machine are. */
export function gitIn(folder: string, ...args: readonly string[]): string {
  const settings = [
    "-c",
    "user.name=test",
    "-c",
    "user.email=test@example.com",
    "-c",
    "commit.gpgsign=false",
  ];
  return execFileSync("git", [...settings, ...args], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
}

export function forget(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
