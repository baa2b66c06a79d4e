import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Plugin, PluginBuild } from "esbuild";

/** Files of a library, and what a function's package gets in their place. */
interface Trim {
  readonly files: RegExp;
  /** From the file's text, its replacement. */
  change(source: string): string;
}

const trims: readonly Trim[] = [
  {
    // A function's credentials are in its environment: the nine other places to look are 120 KB.
    files: /@aws-sdk\/credential-provider-node\/dist-es\/index\.js$/,
    change: () => 'export { fromEnv as defaultProvider } from "@aws-sdk/credential-provider-env";',
  },
  {
    // Rekey reads the name and status of an AWS error, never its class. A client that does not know an error throws
    // its service's base class under the same name. Classes and schemas of errors are half of a client.
    files: /@aws-sdk\/client-[\w-]+\/dist-es\/schemas\/schemas_0\.js$/,
    change: (source) => withPlainKeys(source.replace(/^n\d+_registry\.registerError\(.*\);$/gm, "")),
  },
  {
    // Off unless a client asks for it, and none does.
    files: /@aws-sdk\/middleware-endpoint-discovery\/dist-es\/resolveEndpointDiscoveryConfig\.js$/,
    change: () => "export const resolveEndpointDiscoveryConfig = (config) => config;",
  },
  {
    // Signatures for several Regions at once need a native library that no function has.
    files: /@aws-sdk\/signature-v4-multi-region\/dist-es\/index\.js$/,
    change: () => {
      const one = "SignatureV4SignWithCredentials";
      return `export { ${one}, ${one} as SignatureV4MultiRegion } from "./${one}";`;
    },
  },
  {
    // Retries are the standard ones. The adaptive mode, which no setting turns on, measures rates.
    files: /@smithy\/core\/dist-es\/submodules\/retry\/util-retry\/AdaptiveRetryStrategy\.js$/,
    change: () => 'export { StandardRetryStrategy as AdaptiveRetryStrategy } from "./StandardRetryStrategy";',
  },
  {
    // Streams and blobs of browsers.
    files: /@smithy\/core\/dist-es\/submodules\/serde\/util-stream\/.*\.browser\.js$/,
    change: (source) => absent(source, "a function has no streams of a browser"),
  },
  {
    // A function's Region is in its environment, and no function asks a virtual machine for it.
    files:
      /@smithy\/core\/dist-es\/submodules\/config\/config-resolver\/regionConfig\/getInstanceMetadataRegion\.js$/,
    change: () => "export const getInstanceMetadataRegion = async () => undefined;",
  },
  {
    // Nor do functions have files with settings of AWS, which each client would look for at its first call.
    files: /@smithy\/core\/dist-es\/submodules\/config\/shared-ini-file-loader\/loadSharedConfigFiles\.js$/,
    change: () =>
      [
        'export { CONFIG_PREFIX_SEPARATOR } from "./constants";',
        "export const loadSharedConfigFiles = async () => ({ configFile: {}, credentialsFile: {} });",
      ].join("\n"),
  },
  {
    // The names of Regions, and each Region that its partition's pattern tells as well.
    files: /@aws-sdk\/core\/dist-es\/submodules\/client\/util-endpoints\/lib\/aws\/partitions\.js$/,
    change: withFewRegions,
  },
  {
    // Nothing is logged unless a client gets a logger, and none does.
    files: /@aws-sdk\/core\/dist-es\/submodules\/client\/middleware-logger\/loggerMiddleware\.js$/,
    change: () => "export const getLoggerPlugin = () => ({ applyToStack: () => undefined });",
  },
  {
    // What would hide secrets in that log hides all of it.
    files: /@smithy\/core\/dist-es\/submodules\/client\/smithy-client\/schemaLogFilter\.js$/,
    change: () => 'export const schemaLogFilter = () => "not logged";',
  },
  {
    // The version of Node is the runtime's.
    files: /@aws-sdk\/core\/dist-es\/submodules\/client\/emitWarningIfUnsupportedVersion\.js$/,
    change: () => "export const emitWarningIfUnsupportedVersion = () => undefined;",
  },
  {
    // What a client tells AWS of the features it uses.
    files: /@aws-sdk\/core\/dist-es\/submodules\/client\/middleware-user-agent\/check-features\.js$/,
    change: () => "export const checkFeatures = async () => undefined;",
  },
  {
    // Signatures of event streams: no function opens one.
    files: /@smithy\/signature-v4\/dist-es\/HeaderFormatter\.js$/,
    change: () => "export class HeaderFormatter {}",
  },
  {
    // Node has SHA-256 of its own.
    files: /@smithy\/core\/dist-es\/submodules\/checksum\/sha256\/Sha256Js\.js$/,
    change: () => "export const Sha256Js = undefined;",
  },
  {
    // No function makes a JSON Schema of its input: what zod keeps for that is 18 KB.
    files: /zod\/v4\/core\/(?:json-schema-processors|to-json-schema)\.js$/,
    change: (source) => {
      const names = exportedBy(source);
      const absent = 'const absent = () => { throw new Error("a function makes no JSON Schema"); };';
      return [absent, ...names.map((name) => `export const ${name} = () => absent;`)].join("\n");
    },
  },
  {
    // A schema's methods pull in every check that zod knows. A method that our code never calls goes. And a
    // schema that compiles itself to code is quicker from its hundredth input on, which few functions live to see.
    files: /zod\/v4\/classic\/schemas\.js$/,
    change: (source) => {
      const own = [...source.matchAll(/\b(?:this|inst)\.(\w+)\(/g)].map(([, name = ""]) => name);
      const called = new Set([...own, ...namesCalledByUs()]);
      return (
        source
          .replace('import { util } from "../core/index.js";', 'import * as util from "../core/util.js";')
          .replaceAll("core.util.", "util.")
          .replaceAll("core.$ZodObjectJIT.", "core.$ZodObject.")
          // It finds the end of values that contain themselves, which JSON cannot have.
          .replace("core.config({ memoizer: core.memoizer() });", ";")
          .replace(methods, (method, name) => (called.has(name) ? method : ""))
      );
    },
  },
];

interface Partition {
  readonly regionRegex: string;
  readonly regions: Readonly<Record<string, unknown>>;
}

/** A Region that is not listed belongs to the first partition whose pattern it fits. */
function withFewRegions(source: string): string {
  return source.replace(/(?<=^export const partitionsInfo = )\{[\s\S]*?^\}(?=;$)/m, (text) => {
    const info: { readonly partitions: readonly Partition[] } = JSON.parse(text);
    const fits = (region: string) =>
      info.partitions.find(({ regionRegex }) => new RegExp(regionRegex).test(region));
    const partitions = info.partitions.map((partition) => {
      const listed = Object.keys(partition.regions).filter((region) => fits(region) !== partition);
      return { ...partition, regions: Object.fromEntries(listed.map((region) => [region, {}])) };
    });
    return JSON.stringify({ ...info, partitions });
  });
}

function exportedBy(source: string): readonly string[] {
  return [...source.matchAll(/^export (?:async )?(?:const|function|class) (\w+)/gm)].map(
    ([, name = ""]) => name,
  );
}

/** Whoever calls what is not there is told why. */
function absent(source: string, why: string): string {
  const body = `{ throw new Error(${JSON.stringify(why)}); }`;
  return exportedBy(source)
    .map((name) => `export function ${name}() ${body}`)
    .join("\n");
}

/** As zod's files have them: a method begins and ends with four spaces. */
const methods = /^ {4}(?:async )?(\w+)(?:: (?:async )?function \w+)?\([^()]*\) \{\n[\s\S]*?^ {4}\},\n/gm;

const root = new URL("../", import.meta.url);
const notBundled: ReadonlySet<string> = new Set(["node_modules", "test", "dist", "docs"]);

/** Of every method that is called in what a function's bundle could hold. */
function namesCalledByUs(): ReadonlySet<string> {
  const folders = readdirSync(root, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !entry.name.startsWith(".") && !notBundled.has(entry.name),
  );
  const words = new Set<string>();
  for (const { name } of folders) {
    const folder = new URL(`${name}/`, root);
    for (const path of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      if (!path.endsWith(".ts") || path.includes("node_modules")) continue;
      for (const [, word = ""] of readFileSync(new URL(path, folder), "utf8").matchAll(/\.(\w+)\(/g))
        words.add(word);
    }
  }
  return words;
}

/** The bundler keeps every schema that has a computed key, because reading a name might have an effect. */
function withPlainKeys(source: string): string {
  const texts = new Map(
    [...source.matchAll(/^const (_\w+) = ("[^"]*");$/gm)].map(([, name, text]) => [name, text]),
  );
  return source.replace(/\[(_\w+)\]:/g, (key, name) => (texts.has(name) ? `${texts.get(name)}:` : key));
}

/** A client tells AWS its version; the rest of its package.json is 2 KB for each client. */
const onlyVersions: Plugin = {
  name: "only-versions",
  setup(bundler) {
    bundler.onLoad({ filter: /@aws-sdk\/[\w-]+\/package\.json$/ }, ({ path }) => {
      const { name, version } = JSON.parse(readFileSync(path, "utf8"));
      return { contents: JSON.stringify({ name, version }), loader: "json" };
    });
  },
};

/** Leaves out of the libraries what no function uses. What it does not recognise in them stays as it is. */
const trimmed: Plugin = {
  name: "trimmed-libraries",
  setup(bundler) {
    const places = new Places(bundler);
    bundler.onLoad({ filter: /node_modules\/(?:@aws-sdk|@smithy|zod)\/.*\.js$/ }, async ({ path }) => {
      const source = readFileSync(path, "utf8");
      const trim = trims.find(({ files }) => files.test(path));
      const contents = trim ? trim.change(source) : source;
      return { contents: await withDirectImports(contents, { from: dirname(path), places }), loader: "js" };
    });
  },
};

/**
 * What seals GitHub's secrets asks for Node's crypto by `require`, which a module does not have: the first look at a
 * repository would end in an error.
 */
const withoutRequire: Plugin = {
  name: "without-require",
  setup(bundler) {
    bundler.onLoad({ filter: /node_modules\/tweetnacl\/nacl-fast\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8")
        .replace("typeof require !== 'undefined'", "true")
        .replace("require('crypto')", 'process.getBuiltinModule("node:crypto")'),
      loader: "js",
    }));
  },
};

export const libraryTrims: readonly Plugin[] = [onlyVersions, trimmed, withoutRequire];

const indexes = /^@(?:smithy|aws-sdk)\/core(?:\/[\w-]+)?$/;
const imports = /^import \{([^}]*)\} from "([^"]+)";$/gm;

/**
 * Imports from a library's index become imports from the file that has the name. With shared files the bundler takes
 * an index as a whole: who reads JSON would load the XML that another function needs.
 */
async function withDirectImports(
  source: string,
  { from, places }: { readonly from: string; readonly places: Places },
): Promise<string> {
  const direct = new Map<string, string>();
  for (const [line, names = "", module = ""] of source.matchAll(imports)) {
    if (!indexes.test(module)) continue;
    const lines = namesIn(names).map(async ([exported, local]) => {
      const place = await places.of(exported, { module, from });
      return `import { ${place.name} as ${local} } from ${JSON.stringify(place.module)};`;
    });
    direct.set(line, (await Promise.all(lines)).join("\n"));
  }
  return source.replace(imports, (line) => direct.get(line) ?? line);
}

/** "A, B as C" is A under its own name, and B under the name C. */
function namesIn(list: string): readonly (readonly [name: string, as: string])[] {
  return list
    .split(",")
    .map((text) => text.trim().split(/\s+as\s+/))
    .flatMap(([name = "", as = name]) => (name === "" ? [] : [[name, as] as const]));
}

interface Place {
  readonly name: string;
  /** A path, or another library. */
  readonly module: string;
}

/** Which file has what an index exports. */
class Places {
  readonly #bundler: PluginBuild;
  readonly #indexFiles = new Map<string, Promise<string>>();
  readonly #exports = new Map<string, ReadonlyMap<string, Place>>();

  constructor(bundler: PluginBuild) {
    this.#bundler = bundler;
  }

  /** The index itself, for what it defines; one index may pass on what another has. */
  async of(exported: string, index: { readonly module: string; readonly from: string }): Promise<Place> {
    const file = await this.#indexFile(index);
    const known = this.#exports.get(file) ?? exportsOf(file);
    this.#exports.set(file, known);
    const place = known.get(exported) ?? { name: exported, module: file };
    return indexes.test(place.module) ? this.of(place.name, { ...place, from: dirname(file) }) : place;
  }

  #indexFile({ module, from }: { readonly module: string; readonly from: string }): Promise<string> {
    const options = { resolveDir: from, kind: "import-statement" } as const;
    const found =
      this.#indexFiles.get(module) ?? this.#bundler.resolve(module, options).then(({ path }) => path);
    this.#indexFiles.set(module, found);
    return found;
  }
}

const reExports = /^export \{([^}]*)\} from "([^"]+)";$/gm;

function exportsOf(indexFile: string): ReadonlyMap<string, Place> {
  const source = readFileSync(indexFile, "utf8");
  const places = [...source.matchAll(reExports)].flatMap(([, names = "", from = ""]) => {
    const path = join(dirname(indexFile), from);
    const module = from.startsWith(".") ? (existsSync(`${path}.js`) ? `${path}.js` : path) : from;
    return namesIn(names).map(([name, as]) => [as, { name, module }] as const);
  });
  return new Map(places);
}
