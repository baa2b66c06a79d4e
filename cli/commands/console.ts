import { publicKeyIn } from "../../audit/certificates.ts";
import { type Console, type ConsoleOptions, startConsole } from "../../console/server.ts";
import type { Sources } from "../../console/sources.ts";
import { certificateLines } from "../certificate-view.ts";
import { CliFailure, exitCodes, type Reach, type Register } from "../command.ts";
import { answersOf, type IncidentAnswers } from "../incident-view.ts";
import { readCertificate } from "../read-certificate.ts";

export const consolePage: Register = (program, perform) => {
  program
    .command("console")
    .option("--port <number>", "on 127.0.0.1; any free one without it")
    .action(({ port }: { port?: string }) =>
      perform(async (cli) => {
        const options = { sources: sourcesFrom(await cli.reach()), ...portIn(port) };
        const console = await openConsole(options).catch(portTaken);
        cli.terminal.err(`rekey: open ${console.address}`);
        cli.terminal.err("rekey: it only reads, works once in one browser, and ends with ctrl-c");
        await untilInterrupted();
        await console.close();
        return { json: { type: "console", port: console.port }, lines: [] };
      }),
    );
};

/** Serves the page, which is loaded when a browser asks for it: no other command needs it. */
export function openConsole(options: Omit<ConsoleOptions, "page">): Promise<Console> {
  return startConsole({
    ...options,
    page: async () => (await import("../../console/page.ts")).loadPage(),
  });
}

/** Of everything that commands reach, only what reads. */
export function sourcesFrom(reach: SourcesOf): Sources {
  const { ledger, audit, checkpoints, certificates, digest, nowMs } = reach;
  return {
    ...{ ledger, audit, checkpoints, digest, nowMs },
    certificates: certificates && certificatesFrom(certificates),
    answers: (view) => {
      const answers = answersOf(view);
      return {
        rows: shownAnswers.map(([name, title]) => ({ title, text: answers[name] })),
        advice: [...adviceFrom("you", answers), ...adviceFrom("undo", answers)],
      };
    },
  };
}

type SourcesOf = Pick<Reach, "ledger" | "audit" | "checkpoints" | "certificates" | "digest" | "nowMs">;

/** The clients that read certificates are loaded when the first one is looked at. */
function certificatesFrom(open: NonNullable<Reach["certificates"]>): NonNullable<Sources["certificates"]> {
  return {
    async read(known) {
      const read = await readCertificate(known, await open());
      return read && { ...read, lines: read.refusal === undefined ? certificateLines(read.text) : [] };
    },
    async publicKey() {
      const key = publicKeyIn(await (await open()).publicKey());
      return String(key.export({ type: "spki", format: "pem" }));
    },
  };
}

const shownAnswers = [
  ["dead", "Is it dead?"],
  ["key", "Which key?"],
  ["failing", "Who is cut off now?"],
  ["next", "What does Rekey do?"],
  ["you", "What must you do?"],
  ["undo", "Can it be undone?"],
] as const satisfies readonly (readonly [keyof IncidentAnswers, string])[];

const titles = { you: "do this", undo: "undo it" } as const;

function adviceFrom(who: "you" | "undo", { commands }: IncidentAnswers) {
  return commands[who].map((command) => ({ what: titles[who], command }));
}

function portIn(text: string | undefined): { readonly port?: number } {
  if (text === undefined) return {};
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535) return { port };
  throw new CliFailure(`${JSON.stringify(text.slice(0, 40))} is no port`, {
    ...{ hint: "it is a number from 1 to 65535", exitCode: exitCodes.usage },
  });
}

function portTaken(error: unknown): never {
  if (error instanceof Error && "code" in error && error.code === "EADDRINUSE")
    throw new CliFailure("the port is taken by another program", {
      hint: "name a free one, or leave --port out",
    });
  throw error;
}

function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
}
