import { lastLine, timeoutMs } from "./run/last-line.ts";

/** Those that a few seeds find; `npm run simulate:bites` finds all of them. */
const quickBugs = [
  "revoke before evidence",
  "treat zero live instances as adopted",
  "drop the AWSPENDING strip",
  "compare by date: revoke the oldest key",
  "probe the retiring key before revoke",
  "forget a revoke owed",
  "move the pin while a debt is open",
  "promote a key that was refused",
  "revoke on what the provider said before the soak",
  "contain waits while the secret is held",
  "accept a forged alert",
  "sweep away the run of an execution at work",
  "believe a report that nobody signed",
  "let a jump of the sequence silence an instance",
  "let one person approve what they asked for",
  "accept a supplied key of another project",
];

test(
  "planted bugs are found within a few seeds, so a green run means something",
  async () => {
    const flags = ["--seeds", "60", ...quickBugs.flatMap((name) => ["--only", name])];
    const summary = await lastLine("./bites.ts", flags);
    expect(summary).toMatchObject({ bugs: quickBugs.length, survivors: 0 });
  },
  timeoutMs,
);
