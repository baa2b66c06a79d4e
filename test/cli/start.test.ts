import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const start = fileURLToPath(new URL("../../local/start.ts", import.meta.url));

test.each([
  ["everything", "there is nothing called everything"],
  ["--stya", "Unknown option '--stya'"],
  ["--port=high", "high is no port: it is a number from 1 to 65535"],
  [
    "--provider=acme",
    "there is no stand-in of acme: name openai, anthropic, azure-openai, google, openrouter, xai, cloudflare, bedrock, http, lambda",
  ],
  ["--plan=switch-first", "--plan is for `npm start -- compromise`"],
])(
  "npm start refuses %s with exit code 2, and says how to go on",
  async (arg, message) => {
    const stderr = `rekey: error: ${message}\nrekey: hint: try \`npm start -- --help\`\n`;

    const failed = await run(process.execPath, ["--no-warnings", start, arg]).catch((error) => error);
    expect(failed.code).toBe(2);
    // A long line is wrapped, and what follows is set in.
    expect(failed.stderr.replaceAll(/\n +/g, " ")).toBe(stderr);
  },
  30_000,
);
