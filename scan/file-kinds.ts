import { posix } from "node:path";

/** Files in which a secret has no business even if its issuer is unknown, and what to call each. */
const byName: readonly (readonly [RegExp, string])[] = [
  [
    /(?:^|\/)(?:\.?mcp(?:[_-](?:config|settings|servers))?\.json|claude_desktop_config\.json|\.claude\.json)$/,
    "agent configuration",
  ],
  [/(?:^|\/)(?:cline_mcp_settings|opencode|mcp_settings)\.jsonc?$/, "agent configuration"],
  [
    /(?:^|\/)\.(?:claude|cursor|gemini|codex|vscode|windsurf|continue|aider)\/[^/]*\.(?:json|toml|ya?ml)$/,
    "agent configuration",
  ],
  [/\.tfstate(?:\.backup)?$/, "Terraform state"],
  [/(?:\.tfplan|(?:^|\/)tfplan)(?:\.json)?$/, "Terraform plan"],
  [/\.tfvars(?:\.json)?$/, "Terraform variables"],
  [/(?:^|\/)(?:docker-)?compose[^/]*\.ya?ml$/, "compose file"],
  [/(?:^|\/)serverless[^/]*\.ya?ml$/, "deployment"],
];

const byText: readonly (readonly [string, string])[] = [
  ["ontainerDefinitions", "task definition"],
  ["AWSTemplateFormatVersion", "CloudFormation template"],
  ['"terraform_version"', "Terraform plan"],
  ["mcpServers", "agent configuration"],
  ["\nkind: ", "Kubernetes manifest"],
];

const mayConfigure = /\.(?:json|jsonc|ya?ml|toml|template)$/;
/** A file says what it is near its beginning. */
const saidWithin = 65_536;

/** What the file configures; undefined for code, text and everything else. */
export function configurationOf(path: string, text: () => string): string | undefined {
  const named = byName.find(([pattern]) => pattern.test(path));
  if (named) return named[1];
  if (envKind(path) === "values") return ".env file";
  if (!mayConfigure.test(path)) return undefined;
  const beginning = text().slice(0, saidWithin);
  return byText.find(([mark]) => beginning.includes(mark))?.[1];
}

/** Whether such a path may be that of a configuration, or of a template of one. */
export function mayBeConfiguration(path: string): boolean {
  return mayConfigure.test(path) || envKind(path) !== undefined || byName.some(([name]) => name.test(path));
}

/** `.env` and its kin hold values; `.env.example` and its kin are templates, which show names only. */
export function envKind(path: string): "values" | "template" | undefined {
  const name = posix.basename(path);
  if (!/^(?:\.env(?:\..+)?|.+\.env)$/.test(name)) return undefined;
  return /\b(?:example|sample|template|dist|defaults?)\b/.test(name) ? "template" : "values";
}

/** What holds pictures, sounds and the like: reading it costs time and finds nothing. */
const media =
  /\.(?:png|jpe?g|gif|webp|avif|ico|bmp|tiff?|woff2?|ttf|otf|eot|mp[34]|m4[av]|mov|avi|mkv|webm|ogg|wav|flac|psd|heic)$/i;

export function isMedia(path: string): boolean {
  return media.test(path);
}

/** Text about names, not code that uses them. */
export function isProse(path: string): boolean {
  return /\.(?:md|mdx|rst|adoc|txt)$/i.test(path);
}
