/** `eval "$(npm run -s env)"`: points this shell's `rekey` and AWS CLI at the local cloud that stays. */
import { runningCloud } from "./running.ts";
import { screen } from "./screen.ts";

const running = runningCloud();
if (running === undefined) {
  screen({ json: false }).error("no local cloud is running", "start one with `npm start -- --stay`");
  process.exitCode = 1;
} else {
  const quoted = (value: string) => `'${value.replaceAll("'", "'\\''")}'`;
  for (const [name, value] of Object.entries(running.env)) console.log(`export ${name}=${quoted(value)}`);
}
