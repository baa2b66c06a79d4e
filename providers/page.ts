import type { ProviderCapabilities, Shape } from "../core/ports.ts";
import { issuers } from "./index.ts";
import { providers } from "./kinds.ts";
import { exampleCredential, type ProviderKind } from "./provider.ts";

const newKey: Readonly<Record<Shape["kind"], string>> = {
  sideBySide: "made beside the old one",
  atMost: "made beside the old one, few per owner",
  slots: "into the idle one of two places",
  clientSecret: "Rekey chooses its text",
  rotateWithGrace: "made, the old one ends by itself",
  assisted: "**a person supplies it**",
  inPlace: "none: a leak can be contained",
  federated: "none is needed",
};

const quarantine: Readonly<Record<ProviderCapabilities["quarantine"], string>> = {
  yes: "yes",
  ifScopesKnown: "where Rekey set the scopes",
  no: "no",
};

/** docs/providers.md, from the statements. */
export function providersPage(): string {
  const kinds = Object.values(providers);
  const others = issuers.filter(({ kind }) => !Object.hasOwn(providers, kind));
  return `# Providers

This page is generated from the statements in \`providers/\`: change those, then run \`npm run docs:providers\`.
Each provider's own page names its settings, its quirks, and what is not documented and therefore configured.

${table()}

"Works within" is how long a new key may be refused, and "dies within" how long a dead one may be accepted; both can be
corrected in the policy. Where a provider tells
neither last use nor usage, consumers have to testify.

${kinds.map(section).join("\n")}
## Recognised, and ended by hand

Leaked keys of these are recognised, and a person is told where to end them:
${others.map(({ title }) => title).join(", ")}.
`;
}

/** The short form for the README's first page. */
export function providersSummary(): string {
  const shapes = new Map<string, string[]>();
  for (const kind of Object.values(providers)) {
    const example = exampleOf(kind);
    if (example === undefined) continue;
    const { shape, revoke } = kind.facts(example).capabilities;
    if (!revoke) continue; // only watched
    const link = `[${kind.title}](docs/providers.md#${kind.kind})`;
    shapes.set(newKey[shape.kind], [...(shapes.get(newKey[shape.kind]) ?? []), link]);
  }
  const rows = [...shapes].map(([how, links]) => `| ${how} | ${links.join(", ")} |`);
  return ["| a new key | of |", "|---|---|", ...rows].join("\n");
}

const columns = [
  ...["provider", "new key", "quarantine", "revoke", "last use", "usage per key", "expiry"],
  ...["works within", "dies within"],
];

function table(): string {
  const rows = Object.values(providers).flatMap(row);
  const head = [`| ${columns.join(" | ")} |`, `|${"---|".repeat(columns.length)}`];
  return [...head, ...rows].join("\n");
}

function row(kind: ProviderKind): readonly string[] {
  const example = exampleOf(kind);
  if (example === undefined) return [];
  const { capabilities, propagation } = kind.facts(example);
  const yes = (claim: boolean): string => (claim ? "yes" : "no");
  const cells = [
    `[${kind.title}](#${kind.kind})`,
    newKey[capabilities.shape.kind],
    quarantine[capabilities.quarantine],
    ...[capabilities.revoke, capabilities.lastUsed, capabilities.usagePerKey, capabilities.expiry].map(yes),
    duration(propagation.activateMs),
    duration(propagation.dieMs),
  ];
  return [`| ${cells.join(" | ")} |`];
}

/** Undefined for a kind whose abilities are its policy's own declaration. */
export function exampleOf({ docs, settings }: ProviderKind): Readonly<Record<string, unknown>> | undefined {
  if (docs.example === undefined || settings.safeParse(docs.example).success) return docs.example;
  return { adminCredential: exampleCredential, ...docs.example };
}

function duration(ms: number): string {
  return ms % 60_000 === 0 && ms > 60_000 ? `${ms / 60_000} min` : `${ms / 1000} s`;
}

function section(kind: ProviderKind): string {
  const { docs, keyless, byHand, title } = kind;
  const block = exampleOf(kind);
  const example = Object.entries(block ?? {}).map(([name, value]) => `    ${name}: ${JSON.stringify(value)}`);
  const lines = [
    ...[`<a id="${kind.kind}"></a>`, "", `## ${title}`, "", docs.about, ""],
    ...docs.limits.map((limit) => `- ${limit}`),
    ...(keyless === undefined ? [] : [`- A workload may need no key at all: <${keyless}>.`]),
    `- Rekey's own credential there: ${ownCredentialText(kind)}.`,
    ...(byHand.console === undefined ? [] : [`- By hand: <${byHand.console}>.`]),
    ...(docs.example === undefined
      ? []
      : ["", "```yaml", "providers:", `  ${kind.kind}-main:`, `    kind: ${kind.kind}`, ...example, "```"]),
    ...["", more(kind), ""],
  ];
  return lines.join("\n");
}

function ownCredentialText({ ownCredential, settings, docs }: ProviderKind): string {
  if (ownCredential === "rotated")
    return "[rotated like any other](admin-credentials.md), with `consumers: rekey`";
  if (ownCredential !== undefined) return `not rotated: ${ownCredential.whyNot}`;
  const asksForNone = docs.example !== undefined && settings.safeParse(docs.example).success;
  return asksForNone ? "there is none" : "not rotated: a person replaces it";
}

/** A declaration holds all there is to know; an adapter has a page of its own. */
function more(kind: ProviderKind): string {
  const isData = "plan" in kind || "isData" in kind;
  const file = `providers/${kind.kind}/${isData ? "index.ts" : "README.md"}`;
  return `${isData ? "All of it is data" : "More"}: [\`${file}\`](../${file})`;
}
