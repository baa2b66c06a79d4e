import type { Finding } from "../scan/finding.ts";
import { rules } from "../scan/rules.ts";
import type { Scanned } from "../scan/scan.ts";
import { plural } from "./text.ts";

/** Whether it fails the scan. */
export function failing({ rule, accepted }: Finding): boolean {
  return rules[rule].level === "error" && accepted === undefined;
}

export interface ScanOptions {
  readonly staged?: boolean;
  readonly history?: boolean;
  readonly since?: string;
  readonly from?: string;
  readonly baseline: string;
  readonly writeBaseline?: string;
  readonly sarif?: string;
  readonly known?: boolean;
  readonly report?: boolean;
  readonly public?: boolean;
}

export interface ScanView {
  readonly findings: readonly Finding[];
  readonly known: ReadonlySet<string>;
  readonly incidents: readonly string[];
  readonly options: ScanOptions;
}

const shownMax = 200;

export function linesOf(view: ScanView): readonly string[] {
  const { findings, known, incidents } = view;
  const open = findings.filter(({ accepted }) => accepted === undefined);
  const lines = open.slice(0, shownMax).map((finding) => lineOf(finding, known));
  const hidden = open.length - lines.length;
  const used = [...new Set(open.map(({ rule }) => rule))];
  return [
    ...lines,
    ...(hidden > 0 ? [`and ${hidden} more: see them with --json or --sarif`] : []),
    ...used.map((rule) => `${rule}: ${rules[rule].help}`),
    ...keySteps(view, open),
    ...(incidents[0] === undefined
      ? []
      : [`${incidents.join(", ")} opened: rekey incident show ${incidents[0]}`]),
  ];
}

function lineOf(
  { path, line, column, commit, rule, says, fingerprint }: Finding,
  known: ReadonlySet<string>,
): string {
  const origin = commit === undefined ? "" : ` in commit ${commit.slice(0, 12)}`;
  const live = fingerprint !== undefined && known.has(fingerprint) ? " — KNOWN: a key of yours" : "";
  return `${path}:${line}:${column}${origin}  ${rule}  ${says}${live}`;
}

/** What to do about keys, in the order that matters: a key that is only taken out of the file still works. */
function keySteps({ options, incidents }: ScanView, open: readonly Finding[]): readonly string[] {
  if (!open.some(({ fingerprint }) => fingerprint !== undefined)) return [];
  if (options.staged) {
    return [
      "it is not committed yet: take the key out of the file, then `git add` it again",
      "if the file was shared, built or sent in any other way, the key counts as leaked: rekey scan --report",
    ];
  }
  return [
    ...(incidents.length > 0
      ? []
      : ["1. the key counts as leaked, so replace it first: rekey scan --report"]),
    "2. take it out of the history, once the old key is dead: git filter-repo --replace-text (docs/scan.md)",
    "3. clones, forks and the host's caches keep it all the same: only the dead key is safe",
  ];
}

interface Result {
  readonly scanned: Scanned;
  readonly findings: readonly Finding[];
  readonly gone: number;
  readonly tookMs: number;
}

export function resultLine({ scanned, findings, gone, tookMs }: Result): string {
  const { files, bytes, skipped, more } = scanned;
  const wrong = findings.filter(failing).length + more;
  const accepted = findings.filter((each) => each.accepted !== undefined).length;
  const size = `${(bytes / 1_048_576).toFixed(1)} MiB`;
  return [
    `${plural(wrong, "finding")} in ${plural(files, "file")} (${size}, ${tookMs} ms)`,
    ...(accepted > 0 ? [`${accepted} accepted`] : []),
    ...(gone > 0 ? [`${gone} of the baseline gone: write it again`] : []),
    ...(skipped.length > 0
      ? [`not read: ${skipped.slice(0, 3).join(", ")}${skipped.length > 3 ? ", …" : ""}`]
      : []),
  ].join("; ");
}
