import { readdirSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";

/** Pages link to code and to files outside docs/ by their place in the repository; the site shows them there. */
export const repository = "https://github.com/rekey-dev/rekey";
export const docs = fileURLToPath(new URL("../docs/", import.meta.url));

export interface Section {
  readonly text: string;
  readonly pages: readonly string[];
}

/** Every page has one place here: test/docs/site.test.ts compares the list with the folder. */
export const sections: readonly Section[] = [
  {
    text: "Begin",
    pages: ["start.md", "why-not.md", "deploy.md", "policy.md", "issue.md", "github-actions.md"],
  },
  {
    text: "Connect",
    pages: [
      ...[
        "consumers.md",
        ...pagesIn("recipes"),
        "programs-you-cannot-change.md",
        "laptops.md",
        "federated.md",
        "destinations.md",
        "stores.md",
        "providers.md",
      ],
      ...pagesIn("providers"),
    ],
  },
  {
    text: "When a key leaks",
    pages: [
      "alerts.md",
      ...pagesIn("alert-sources"),
      "campaign.md",
      "region-down.md",
      "scan.md",
      ...pagesIn("runbooks"),
    ],
  },
  {
    text: "Operate",
    pages: [
      "cli.md",
      "console.md",
      "admin-credentials.md",
      "fleet.md",
      "native-rotation.md",
      "orders.md",
      "audit-collector.md",
      "restore.md",
      "limits.md",
      "cli-reference.md",
      "errors.md",
    ],
  },
  {
    text: "Prove",
    pages: ["rules.md", "reliability.md", "security-paper.md", "certificate.md", "events.md"],
  },
  { text: "Understand", pages: ["architecture.md", ...pagesIn("decisions")] },
];

function pagesIn(folder: string): readonly string[] {
  const names = readdirSync(`${docs}${folder}`).filter((name) => name.endsWith(".md"));
  const first = (name: string) => (name === "README.md" ? 0 : 1);
  return names
    .sort((one, other) => first(one) - first(other) || one.localeCompare(other))
    .map((name) => `${folder}/${name}`);
}

/** The place in the repository of a link that leaves docs/; undefined for one that stays. */
export function placeOutside(href: string, page: string): string | undefined {
  if (/^[a-z]+:|^#|^\//.test(href)) return undefined;
  const [path = "", anchor] = href.split("#");
  const target = posix.normalize(posix.join("docs", posix.dirname(page), path));
  if (target.startsWith("docs/") && /\.(md|svg|png)$/.test(path)) return undefined;
  return `${repository}/blob/main/${target}${anchor === undefined ? "" : `#${anchor}`}`;
}
