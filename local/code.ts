import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { unzipSync } from "fflate";
import { bundleFunctions } from "../build.ts";
import { once } from "../functions/wiring/once.ts";

/** The code of one function, as the template names it. */
export interface GivenCode {
  /** SHA-256 of its zip, in base64. */
  readonly sha256: string;
  /** Where its files lie; unpacked at the first call. */
  folder(): string;
  /** What a thread runs to serve them. */
  readonly worker: URL;
}

export interface CodeSource {
  /** Throws where there is no such code. */
  find(location: { readonly S3Bucket: string; readonly S3Key: string }): Promise<GivenCode>;
  close(): void;
}

interface Options {
  /** Reads an object of the S3 stand-in; throws as S3 does. */
  read(bucket: string, key: string): Buffer;
  /** Gives the sha256 of a function's code in `localBucket`, where no zip is made. */
  sha256(key: string): string;
}

/** Names the bundles that this process makes of the working copy: `npm start` packs and unpacks nothing. */
export const localBucket = "local";
const unpackedBytesMax = 250 * 1024 * 1024;

/** Where functions get their code: zips in the S3 stand-in, or this working copy's own bundles. */
export function codeFrom({ read, sha256 }: Options): CodeSource {
  const root = mkdtempSync(join(tmpdir(), "rekey-functions-"));
  const remove = () => rmSync(root, { recursive: true, force: true });
  // Who ends the run before the cloud is up has nothing yet that could be closed.
  process.once("exit", remove);
  const unpacked = new Map<string, string>();
  const worker = once(() => bundleWorker(root));
  const bundles = once(async () => {
    const folder = join(root, "bundles");
    await bundleFunctions(folder);
    return folder;
  });

  const zipAt = (bucket: string, key: string) => {
    try {
      return read(bucket, key);
    } catch (cause) {
      const said = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`Error occurred while GetObject of ${bucket}/${key}: ${said}`, { cause });
    }
  };
  const unpack = (digest: string, zip: Buffer) => {
    const known = unpacked.get(digest);
    if (known !== undefined) return known;
    const folder = join(root, createHash("sha256").update(digest).digest("hex").slice(0, 16));
    unzip(zip, folder);
    unpacked.set(digest, join(folder, "dist"));
    return join(folder, "dist");
  };
  return {
    async find({ S3Bucket, S3Key }) {
      if (S3Bucket === localBucket) {
        const folder = await bundles();
        return { sha256: sha256(S3Key), folder: () => folder, worker: await worker() };
      }
      const zip = zipAt(S3Bucket, S3Key);
      const digest = createHash("sha256").update(zip).digest("base64");
      return { sha256: digest, folder: () => unpack(digest, zip), worker: await worker() };
    },
    close: () => {
      process.off("exit", remove);
      remove();
    },
  };
}

/** As plain JavaScript: otherwise each thread would load the compiler that takes types out, as no Lambda environment does. */
async function bundleWorker(root: string): Promise<URL> {
  const file = join(root, "functions-worker.mjs");
  await build({
    entryPoints: [fileURLToPath(new URL("./functions-worker.ts", import.meta.url))],
    outfile: file,
    ...{ bundle: true, format: "esm", platform: "node", target: "node24", logLevel: "warning" },
  });
  return pathToFileURL(file);
}

/** A zip says itself where its files go, and none may go anywhere else. */
function unzip(zip: Buffer, folder: string): void {
  let bytes = 0;
  const files = unzipSync(zip, {
    filter: ({ originalSize }) => {
      bytes += originalSize;
      if (bytes > unpackedBytesMax)
        throw new Error(`a function's code has at most ${unpackedBytesMax} bytes`);
      return true;
    },
  });
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    if (relative(folder, path).startsWith(`..${sep}`))
      throw new Error(`the zip has a file outside of itself: ${name}`);
    if (name.endsWith("/")) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}
