/** What may follow the words typed so far. */
export interface Words {
  /** The command's own words: `incident`, `note`. */
  readonly path: readonly string[];
  readonly does: string;
  readonly next: readonly string[];
  readonly options: readonly string[];
}

const shells = ["bash", "zsh", "fish"] as const;
type Shell = (typeof shells)[number];

export function isShell(name: string): name is Shell {
  return shells.some((shell) => shell === name);
}

/** A script for each shell, which completes without running rekey again. */
export const completionScripts: Readonly<Record<Shell, (commands: readonly Words[]) => string>> = {
  bash: bashScript,
  zsh: (commands) => `autoload -U +X bashcompinit && bashcompinit\n${bashScript(commands)}`,
  fish: fishScript,
};

/** Bash 3, which macOS still has, knows no associative arrays: the longest path that was typed is a case. */
function bashScript(commands: readonly Words[]): string {
  const cases = [...commands].sort((a, b) => b.path.length - a.path.length).map(caseOf);
  return [
    "_rekey() {",
    "  local current=$" + '{COMP_WORDS[COMP_CWORD]} typed="" word',
    "  for word in " + '"$' + '{COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    case $word in -*) ;; *) typed="$typed $word" ;; esac',
    "  done",
    '  case "$typed " in',
    ...cases,
    "  esac",
    "}",
    "complete -o default -F _rekey rekey",
  ].join("\n");
}

function caseOf({ path, next, options }: Words): string {
  const pattern = path.length === 0 ? '" "' : `" ${path.join(" ")} "*`;
  const words = [...next, ...options].join(" ");
  return `    ${pattern}) COMPREPLY=($(compgen -W "${words}" -- "$current")) ;;`;
}

function fishScript(commands: readonly Words[]): string {
  const lines = commands.flatMap(({ path, next, options }) => {
    const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`);
    const [, second] = path;
    const isLast =
      second === undefined && next.length > 0 ? [`not __fish_seen_subcommand_from ${next.join(" ")}`] : [];
    const when = path.length === 0 ? "__fish_use_subcommand" : [...seen, ...isLast].join("; and ");
    const under = (name: string) =>
      commands.find((each) => each.path.join(" ") === [...path, name].join(" "));
    return [
      ...next.map(
        (name) => `complete -c rekey -f -n '${when}' -a ${name} -d ${quoted(under(name)?.does ?? "")}`,
      ),
      ...options.map((option) => `complete -c rekey -n '${when}' -l ${option.slice(2)}`),
    ];
  });
  return ["complete -c rekey -e", ...lines].join("\n");
}

/** Fish takes a single-quoted text as it is, but for a backslash and the quote itself. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
