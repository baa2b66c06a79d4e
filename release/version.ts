/** `node release/version.ts v1.2.3`: refuses a tag that is not the version of every package and of the changelog. */
import { readFileSync } from "node:fs";
import { packages } from "./pack.ts";

/** What stands in the way of a release under this tag, each in a sentence. */
export function whyNotReleased(tag: string, changelog: string): readonly string[] {
  const version = tag.replace(/^v/, "");
  const wrong = [...packages().values()].filter((each) => each.version !== version);
  return [
    ...wrong.map(({ name, version: own }) => `${name} is ${own}, and the tag is ${tag}`),
    ...(changelog.includes(`\n## ${version}\n`) ? [] : [`CHANGELOG.md has no part "## ${version}"`]),
  ];
}

if (import.meta.main) {
  const changelog = readFileSync(new URL("../CHANGELOG.md", import.meta.url), "utf8");
  const reasons = whyNotReleased(process.argv[2] ?? "", changelog);
  for (const reason of reasons) console.error(`release: ${reason}`);
  if (reasons.length > 0) process.exitCode = 1;
}
