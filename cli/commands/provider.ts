import { Secret } from "../../core/secret.ts";
import { parsePolicyFile } from "../../events/policy-text.ts";
import { declaredKinds } from "../../providers/declared-kinds.ts";
import { providers } from "../../providers/kinds.ts";
import { isDeclared, type Tried, tryDeclared } from "../../providers/try-declared.ts";
import { stores } from "../../stores/index.ts";
import { type Cli, CliFailure, exitCodes, type Register, type Shown } from "../command.ts";
import { addProvider, newProvider } from "../new-provider.ts";
import { table } from "../table.ts";
import { plural } from "../text.ts";

interface TestOptions {
  readonly file: string;
  readonly against?: string;
  readonly credential?: boolean;
}

export const provider: Register = (program, perform) => {
  const command = program.command("provider");
  command
    .command("new")
    .description(
      "make the files of a provider that is code: in a checkout of Rekey, or as a package elsewhere",
    )
    .argument("<name>", "lower case, words joined by -")
    .action((name: string) => perform(() => newProvider(name)));
  command
    .command("add")
    .description("copy a provider's package into this checkout of Rekey, and register it")
    .argument("<folder>", "what `rekey provider new` made outside of a checkout")
    .action((folder: string) => perform(() => addProvider(folder)));
  command
    .command("test")
    .description("try a declared provider on a stand-in, or on a server; exit code 1 if a check failed")
    .argument("<account>", "the provider's name in the policy file")
    .option("--file <path>", "the policy file", "rekey.yml")
    .option("--against <url>", "a server that speaks this API, in place of the stand-in")
    .option(
      "--credential",
      "read a working admin credential from a pipe or a prompt; a key is made and deleted",
    )
    .action((account: string, options: TestOptions) => perform((cli) => test(cli, account, options)));
};

async function test(cli: Cli, account: string, options: TestOptions): Promise<Shown> {
  const { kind, settings } = await accountIn(cli, account, options.file);
  if (options.credential === true && options.against === undefined) {
    throw new CliFailure("--credential needs --against: the stand-in has a credential of its own", {
      exitCode: exitCodes.usage,
    });
  }
  const read = () => cli.terminal.readHidden(`admin credential for ${account} (not shown): `);
  const tried = await tryDeclared({
    ...{ kind, settings, against: options.against },
    credential: options.credential === true ? new Secret((await read()).trim()) : undefined,
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
  return shown(account, tried);
}

async function accountIn({ terminal }: Cli, account: string, file: string) {
  const text = await terminal.readFile(file).catch(() => {
    throw new CliFailure(`cannot read ${file}`, { hint: "name it with --file", exitCode: exitCodes.usage });
  });
  const parsed = parsePolicyFile({ text }, { kinds: declaredKinds, stores, nowMs: terminal.nowMs() });
  if ("mistakes" in parsed) {
    for (const { line, column, message } of parsed.mistakes) {
      terminal.err(`${file}:${line}:${column}: ${message}`);
    }
    throw new CliFailure(`${file} has ${plural(parsed.mistakes.length, "mistake")}`, {
      hint: "docs/providers/declared.md describes a declaration",
      exitCode: exitCodes.usage,
    });
  }
  const policy = parsed.providers.find((each) => each.account === account);
  if (policy === undefined) {
    const names = parsed.providers.map((each) => each.account).join(", ");
    throw new CliFailure(`${file} has no provider called ${account}`, {
      hint: `it has ${names}`,
      exitCode: exitCodes.usage,
    });
  }
  const kind = providers[policy.kind];
  if (isDeclared(kind)) return { kind, settings: policy.settings };
  throw new CliFailure(`${account} is of kind ${policy.kind}, which is code and no declaration`, {
    hint: `its own tests try it: npx jest test/contract/${policy.kind}`,
  });
}

function shown(account: string, tried: readonly Tried[]): Shown {
  const failed = tried.filter(({ outcome }) => outcome === "failed").length;
  const rows = tried.map(({ check, outcome, detail = "" }) => [outcome, check, detail]);
  const last = `${plural(tried.length, "check")} of ${account}, ${failed} failed`;
  return {
    json: { type: "provider-test", account, ok: failed === 0, checks: tried },
    lines: [table(rows), last],
    ...(failed > 0 && { exitCode: exitCodes.refused }),
  };
}
