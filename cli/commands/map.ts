import { type Mapped, mapOf } from "../../core/copies/map.ts";
import { type Cli, CliFailure, exitCodes, type Register, type Shown } from "../command.ts";
import { readPolicyFiles } from "../policy-files.ts";
import { headedTable } from "../table.ts";
import { plural } from "../text.ts";
import { type Language, languages, typedSettings } from "../typed-settings.ts";

interface Options {
  readonly file?: readonly string[];
  readonly typed?: string;
}

export const map: Register = (program, perform) => {
  program
    .command("map")
    .argument("[consumer]", "only what this consumer gets")
    .option("--file <files...>", "policy files, or folders of them (default: rekey.yml)")
    .option("--typed <language>", `print settings in ${languages.join(" or ")} for this consumer`)
    .action((consumer: string | undefined, options: Options) =>
      perform((cli) => show(cli, { ...options, consumer })),
    );
};

async function show(
  cli: Cli,
  { file = [], typed, consumer }: Options & { readonly consumer: string | undefined },
): Promise<Shown> {
  const { policies } = await readPolicyFiles(cli, file);
  const all = mapOf(policies);
  const rows = consumer === undefined ? all : all.filter((row) => row.consumer === consumer);
  if (consumer !== undefined && rows.length === 0) throw noSuchConsumer(consumer, all);
  if (typed !== undefined) return typedFor(consumer, { rows, language: languageOf(typed) });
  return {
    json: { type: "map", rows: rows.map(fields) },
    lines: [
      headedTable(["CONSUMER", "ENVIRONMENT", "PLACE", "NAME", "FROM"], rows.map(cells)),
      `${plural(new Set(rows.map((row) => row.consumer)).size, "consumer")}, ${plural(rows.length, "value")}`,
    ],
  };
}

function cells({ consumer, environment, secret, copy }: Mapped): readonly string[] {
  const from = copy?.text === undefined ? secret : `${secret} as ${JSON.stringify(copy.text)}`;
  return [consumer, environment, copy?.to ?? "the secret itself", copy?.as ?? "-", from];
}

function fields({ copy, ...rest }: Mapped): Readonly<Record<string, unknown>> {
  return {
    ...rest,
    ...(copy && { destination: copy.to, name: copy.as }),
    ...(copy?.text && { text: copy.text }),
  };
}

function noSuchConsumer(consumer: string, all: readonly Mapped[]): CliFailure {
  const names = [...new Set(all.map((row) => row.consumer))];
  return new CliFailure(
    `no secret of these files has a consumer called ${JSON.stringify(consumer.slice(0, 64))}`,
    {
      ...{ hint: `they have ${names.join(", ") || "none"}`, exitCode: exitCodes.usage },
    },
  );
}

function languageOf(given: string): Language {
  const language = languages.find((each) => each === given);
  if (language !== undefined) return language;
  throw new CliFailure(`no settings can be made in ${JSON.stringify(given.slice(0, 40))}`, {
    ...{ hint: `it is ${languages.join(" or ")}`, exitCode: exitCodes.usage },
  });
}

function typedFor(
  consumer: string | undefined,
  { rows, language }: { readonly rows: readonly Mapped[]; readonly language: Language },
): Shown {
  if (consumer === undefined)
    throw new CliFailure("settings are made for one consumer", {
      ...{ hint: `rekey map --typed ${language} CONSUMER`, exitCode: exitCodes.usage },
    });
  const lines = typedSettings(consumer, { rows, language });
  return { json: { type: "map", consumer, language, text: `${lines.join("\n")}\n` }, isFile: true, lines };
}
