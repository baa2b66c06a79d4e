/**
 * `node release/pack.ts [--out FOLDER]`: everything that a release consists of, without publishing anything: a
 * tarball of each package, a CycloneDX bill of materials for each, and the checksums that the release signs.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { inCopyOfTree } from "./tree.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly files?: readonly string[];
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional: boolean }>>;
}

const manifestIn = (folder: string): Manifest & { readonly workspaces?: readonly string[] } =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/**
 * Outside of the workspace, in which npm would install what they stand on with everything else: the CDK has 186 MB, and
 * what tests are run with would count as part of the product.
 */
const besideWorkspace = ["cdk", "kit"];

/** The packages of the workspace, by their folders. */
export function workspacePackages(): ReadonlyMap<string, Manifest> {
  return manifestsIn(manifestIn(root).workspaces ?? []);
}

/** Everything that a release publishes, by its folder. */
export function packages(): ReadonlyMap<string, Manifest> {
  return new Map([...workspacePackages(), ...manifestsIn(besideWorkspace)]);
}

/** Those that need nothing beside them: with a registry to ask or without, their tarballs can be installed. */
export function standalonePackages(): ReadonlyMap<string, Manifest> {
  return new Map(
    [...packages()].filter(([, { peerDependencies = {}, peerDependenciesMeta: meta = {} }]) =>
      Object.keys(peerDependencies).every((name) => meta[name]?.optional === true),
    ),
  );
}

function manifestsIn(folders: readonly string[]): ReadonlyMap<string, Manifest> {
  return new Map(folders.map((folder) => [folder, manifestIn(join(root, folder))]));
}

export interface Packed {
  readonly name: string;
  readonly tarball: string;
}

/** Licence and changelog are the repository's own; each tarball carries a copy. */
const sharedFiles = ["LICENSE", "CHANGELOG.md"];

export function packAll(out: string): readonly Packed[] {
  const packed = packEach(packages(), out);
  writeBillOfMaterials(out);
  writeChecksums(out);
  return packed;
}

/** The tarballs alone, which is all that somebody who installs them needs. */
export function packEach(wanted: ReadonlyMap<string, Manifest>, out: string): readonly Packed[] {
  mkdirSync(out, { recursive: true });
  return inCopyOfTree((tree) =>
    [...wanted].map(([folder, { name }]) => ({ name, tarball: pack(tree, folder, out) })),
  );
}

function pack(tree: string, folder: string, out: string): string {
  for (const file of sharedFiles) copyFileSync(join(root, file), join(tree, folder, file));
  const answer = npm(["pack", "--json", "--pack-destination", out], join(tree, folder));
  const [{ filename }] = JSON.parse(answer.slice(answer.indexOf("["))) as [{ filename: string }];
  return join(out, filename);
}

/**
 * What the bundles were made of, and with which tools: those are marked as development. `--omit dev` would also leave
 * out every dependency that a tool shares, and with it most of AWS's clients.
 */
function writeBillOfMaterials(out: string): void {
  const bill = npm(["sbom", "--sbom-format", "cyclonedx", "--package-lock-only"], root);
  writeFileSync(join(out, "rekey.cdx.json"), bill);
}

function writeChecksums(out: string): void {
  const files = readdirSync(out)
    .filter((file) => file !== "SHA256SUMS")
    .sort();
  const lines = files.map(
    (file) =>
      `${createHash("sha256")
        .update(readFileSync(join(out, file)))
        .digest("hex")}  ${file}\n`,
  );
  writeFileSync(join(out, "SHA256SUMS"), lines.join(""));
}

function npm(args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync("npm", [...args], {
    cwd,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`npm ${args[0]} in ${cwd} failed:\n${stderr}${stdout}`);
  return stdout;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: "string", default: "dist/release" } } });
  for (const { name, tarball } of packAll(resolve(values.out))) console.log(`${name}  ${tarball}`);
}
