import type { Activation, CopyProof } from "../core/copies/destination.ts";
import { type DestinationKind, exampleToken } from "./destination.ts";
import { destinationKinds } from "./index.ts";

const activations: Readonly<Record<Activation, string>> = {
  live: "at the next read",
  restart: "when a process starts; Rekey restarts it",
  redeploy: "in a new deployment; Rekey starts one",
  "next-run": "when the next run begins",
};

const proofs: Readonly<Record<CopyProof, string>> = {
  "read-back": "the value itself, as a fingerprint",
  digest: "a digest that the place makes of it",
  version: "the version that the write made",
  updated_at: "the time of the last change",
  none: "nothing",
};

/** docs/destinations.md, from the statements. */
export function destinationsPage(): string {
  const kinds = Object.values(destinationKinds);
  return `# Destinations: copies of a key under each consumer's own name

This page is generated from the statements in \`destinations/\`: change those, then run \`npm run docs:destinations\`.

A consumer that cannot read the secret itself (a CI pipeline, a front end on a platform, a pod that knows only a
variable) gets a copy. The deployment lists the places, in \`stages/<stage>.yml\`; a policy only names them:

\`\`\`yaml
# stages/production.yml: the place, its token and its environment. No policy file can choose another one.
destinations:
  shop-ci:
    kind: github-actions
    repository: acme/shop
    environment: production
    token: ${exampleToken}

# rekey.yml: who reads it there, under which name
consumers:
  - name: shop-ci
    copies:
      - { to: shop-ci, as: OPENAI_API_KEY }
\`\`\`

An application that takes several keys, under a prefix or several names, says so once:
[applications](policy.md#applications).
\`rekey map\` shows who gets what. A destination with \`consumers: [shop-ci]\` in the deployment takes copies of
nobody else. \`text: "Bearer {key}"\` writes that text instead of the key alone. Of what somebody put there by
hand Rekey then cannot tell that it is a key of this secret, so the first write over it needs \`takeOver: true\`.

## What happens in a rotation

1. **Before a key is made**, \`CheckCopies\` asks every place: does the token work, is this the place and the
   environment that the deployment means, is the name valid, does somebody else manage the value, was it changed
   since Rekey wrote it? Any of these ends the run with nothing changed. A value that is there already and is no
   key of this secret is never overwritten, unless the copy says \`takeOver: true\`; a place that never shows
   its values cannot tell, so it needs that once.
2. **After the promotion**, \`WriteCopies\` writes each copy and starts whatever makes it used. A place that
   refuses is named (\`CopyRefused\` on the bus) and does not stop the others; it is tried again after every
   wait. \`takeOver\`, and an order to overwrite, are about what was there when the write began: after a write
   whose answer was lost, what somebody put there since is left alone (\`CopyChanged\`). A place that never
   shows its values cannot tell whose the new value is. There Rekey goes by the place's own clock: a change
   later than a minute after its write began is somebody else's and is left alone, and so is every change
   after the place refused the write or was seen changed right after it. **What it cannot tell apart**: where
   the function died, or the answer was lost and the place could not be asked again, a change within that
   minute is taken for Rekey's own and written over.
3. **\`CheckAdoption\` asks each place again**: is it still the right one (\`CopyElsewhere\`), does it hold what
   Rekey wrote (\`CopyNotWritten\`, \`CopyChanged\`), does what runs there use it (\`CopyNotActive\`,
   \`CopyFailed\`)? While one of these stands the retiring key lives. The revoke asks them once more.
4. **The certificate** has one row for each copy: the place, how it is activated, how it proves what it holds,
   and its own word for it. **The sweep** looks at every copy afterwards: one that was changed, or a roll-back
   to a deployment from before, is published as \`CopyAstray\`, counted in the metric \`CopiesAstray\`, and
   alarmed.

In an incident the leaked key is replaced whatever the places say, and containment waits for none of them;
copies are written all the same, and the report names who is behind. To write over a change that somebody made:
\`rekey overwrite <secret> <destination> --reason <why>\`.

| place | used | proven by | refuses a late write |
|---|---|---|---|
${kinds.map(row).join("\n")}

${kinds.map(section).join("\n")}`;
}

function row({ kind, title, capabilities: { activation, proof, compareAndSwap } }: DestinationKind): string {
  const cells = [
    `[${title}](#${kind})`,
    `**${activation}**: ${activations[activation]}`,
    `\`${proof}\`: ${proofs[proof]}`,
    compareAndSwap === "native" ? "yes" : "no: a change in between is overwritten",
  ];
  return `| ${cells.join(" | ")} |`;
}

function section({ kind, title, docs }: DestinationKind): string {
  const example = Object.entries(docs.example).map(
    ([name, value]) => `    ${name}: ${JSON.stringify(value)}`,
  );
  return [
    ...[`<a id="${kind}"></a>`, "", `## ${title}`, "", docs.about, ""],
    ...[`- The right place: ${docs.binding}`, `- It needs ${docs.needs}.`],
    ...docs.limits.map((limit) => `- ${limit}`),
    ...["- Never run against the real service: the suite runs against a stand-in that speaks its API."],
    ...["", "```yaml", "destinations:", `  ${kind}:`, ...example, "```", ""],
  ].join("\n");
}
