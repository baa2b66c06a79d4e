/** What the scan looks for. `level` decides the exit code: an error fails it, a note does not. */
export const rules = {
  "provider-key": {
    level: "error",
    title: "a provider's key in plain text",
    help: "The key counts as leaked from the moment it was written here: replace it, then take it out.",
  },
  "client-side-secret": {
    level: "error",
    title: "a secret under a name that goes to every browser",
    help: "A bundler writes variables with this prefix into the page. Rename it and use it on the server only.",
  },
  "plaintext-secret": {
    level: "error",
    title: "a secret's value in a configuration file, a state or a plan",
    help: "Name the secret there instead of its value, and replace the value: whoever could read the file has it.",
  },
  "env-tracked": {
    level: "error",
    title: "a .env file in the repository",
    help: "Take it out with `git rm --cached`, add it to .gitignore, and replace every key in it.",
  },
  "env-not-ignored": {
    level: "error",
    title: "a .env file that the next `git add` would take",
    help: "Add `.env` and `.env.*` to .gitignore, and `!.env.example` below them.",
  },
  "env-template-value": {
    level: "error",
    title: "a template of a .env file with a value in it",
    help: "Leave the value empty: a template shows names only.",
  },
  "env-without-template": {
    level: "note",
    title: "a .env file without a template beside it",
    help: "Add a .env.example with the same names and no values, so that nobody sends the file itself around.",
  },
  "scanner-finding": {
    level: "error",
    title: "found by another scanner",
    help: "The key counts as leaked: replace it, then take it out.",
  },
} as const satisfies Readonly<Record<string, RuleText>>;

interface RuleText {
  readonly level: "error" | "note";
  readonly title: string;
  readonly help: string;
}

export type Rule = keyof typeof rules;
