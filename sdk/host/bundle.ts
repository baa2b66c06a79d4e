import { runHost } from "./main.ts";

process.exitCode = await runHost(process.argv.slice(2), { env: process.env, program: "rekey-host" });
