import type { NamedCommand } from "./command.ts";

interface CommandGroup {
  readonly heading: string;
  readonly commands: readonly NamedCommand[];
}

/** Every command, in the groups and in the order in which help shows them. */
export const commandGroups: readonly CommandGroup[] = [
  {
    heading: "When a key leaked:",
    commands: [
      {
        name: "compromise",
        does: "a key leaked: replace it and prove it dead",
        load: async () => (await import("./commands/compromise.ts")).compromise,
      },
      {
        name: "incident",
        does: "leaked keys: what happens to them, and what you may do",
        load: async () => (await import("./commands/incident.ts")).incident,
      },
      {
        name: "campaign",
        does: "every key that leaked at once: see, pause and resume what `rekey compromise --all` and the like opened",
        load: async () => (await import("./commands/campaign.ts")).campaign,
      },
      {
        name: "contain",
        does: "end a leaked key from a laptop while the deployment's Region is down, with a sealed kit",
        load: async () => (await import("./commands/contain.ts")).contain,
      },
      {
        name: "kit",
        does: "sealed kits for the day when the Region is down: make one, and report what was done with it",
        load: async () => (await import("./commands/kit.ts")).kit,
      },
      {
        name: "stop",
        does: "stop all changes of keys: nothing is minted, promoted, quarantined or revoked until `rekey resume`",
        load: async () => (await import("./commands/stop.ts")).stop,
      },
      {
        name: "resume",
        does: "lift a stop; name the same scope as the stop did",
        load: async () => (await import("./commands/resume.ts")).resume,
      },
      {
        name: "report",
        does: "report what a scanner found; keys are hashed here, and only fingerprints are sent",
        load: async () => (await import("./commands/report.ts")).report,
      },
      {
        name: "scan",
        does: "find keys and secrets in files, staged changes or the whole history; exit code 1 when there is one",
        load: async () => (await import("./commands/scan.ts")).scan,
      },
      {
        name: "drill",
        does: "report a made-up key, and check that every channel gets the test page",
        load: async () => (await import("./commands/drill.ts")).drill,
      },
    ],
  },
  {
    heading: "Rotations:",
    commands: [
      {
        name: "rotate",
        does: "start a rotation now",
        load: async () => (await import("./commands/rotate.ts")).rotate,
      },
      {
        name: "watch",
        does: "follow a rotation, an incident, a campaign or whatever is at work; exit code 0 only when it ended well",
        load: async () => (await import("./commands/watch.ts")).watch,
      },
      {
        name: "consumers",
        does: "who uses a secret, which key each instance holds, and what a rotation still waits for",
        load: async () => (await import("./commands/consumers.ts")).consumers,
      },
      {
        name: "approve",
        does: "see, and with its digest approve, an order or a step of a rotation that waits for a second person",
        load: async () => (await import("./commands/approve.ts")).approve,
      },
      {
        name: "supply",
        does: "give a waiting rotation its incoming key, for providers that make keys only by hand",
        load: async () => (await import("./commands/supply.ts")).supply,
      },
      {
        name: "attest",
        does: "state that a consumer uses the incoming key; your AWS principal is recorded",
        load: async () => (await import("./commands/attest.ts")).attest,
      },
      {
        name: "forget",
        does: "state that an instance is gone which ended without saying so; needs a second person",
        load: async () => (await import("./commands/forget.ts")).forget,
      },
      {
        name: "hold",
        does: "keep a secret's keys as they are: no new rotation, no revoke, until it is released",
        load: async () => (await import("./commands/hold.ts")).hold,
      },
      {
        name: "release",
        does: "lift a hold, or with --unfreeze a freeze that Rekey set because AWSCURRENT was changed outside it",
        load: async () => (await import("./commands/release.ts")).release,
      },
      {
        name: "overwrite",
        does: "let a copy replace what somebody put there outside Rekey; nothing is lost before the next write",
        load: async () => (await import("./commands/overwrite.ts")).overwrite,
      },
      {
        name: "abort",
        does: "send a rotation back to safety: undone before its promotion, both keys kept after it",
        load: async () => (await import("./commands/abort.ts")).abort,
      },
    ],
  },
  {
    heading: "See and prove:",
    commands: [
      {
        name: "status",
        does: "what every secret, or one, is doing; reads only the ledger",
        load: async () => (await import("./commands/status.ts")).status,
      },
      {
        name: "inventory",
        does: "every secret with its owner, its key's age, its next rotation, when it is overdue, and what is owed",
        load: async () => (await import("./commands/inventory.ts")).inventory,
      },
      {
        name: "history",
        does: "what happened to a secret, or to all: when, why, by whom, with which result and certificate",
        load: async () => (await import("./commands/history.ts")).history,
      },
      {
        name: "prove",
        does: "show the signed certificate of a rotation, an incident or a secret, and check it",
        load: async () => (await import("./commands/prove.ts")).prove,
      },
      {
        name: "verify",
        does: "check a certificate with nothing but its file and the public key; works offline",
        load: async () => (await import("./commands/verify.ts")).verify,
      },
      {
        name: "audit",
        does: "the log of everything that was done",
        load: async () => (await import("./commands/audit.ts")).audit,
      },
      {
        name: "console",
        does: "open a page in your browser that shows the fleet, rotations, incidents and the audit log; it only reads",
        load: async () => (await import("./commands/console.ts")).consolePage,
      },
      {
        name: "permissions",
        does: "who can read, decrypt, stage, promote, mint and revoke, sign and order, and who can do two of these",
        load: async () => (await import("./commands/permissions.ts")).permissions,
      },
      {
        name: "cost",
        does: "what each rotation took and costs, from the runs of the last month, and what the deployment costs a month",
        load: async () => (await import("./commands/cost.ts")).cost,
      },
    ],
  },
  {
    heading: "Policies and upkeep:",
    commands: [
      {
        name: "discover",
        does: "draft a policy file from the secrets of the account, in which each is only observed, with what can be proven",
        load: async () => (await import("./commands/discover.ts")).discover,
      },
      {
        name: "apply",
        does: "bring policies and schedules in line with the files; adopts keys as they are and rotates nothing",
        load: async () => (await import("./commands/apply.ts")).apply,
      },
      {
        name: "lint",
        does: "check policy files as apply does, without AWS; exit code 2 if there is a mistake",
        load: async () => (await import("./commands/lint.ts")).lint,
      },
      {
        name: "map",
        does: "who gets which key under which name, from the policy files; also as typed settings for one consumer",
        load: async () => (await import("./commands/map.ts")).map,
      },
      {
        name: "doctor",
        does: "look for what will go wrong, or already has; exit code 1 when there is a problem",
        load: async () => (await import("./commands/doctor.ts")).doctor,
      },
      {
        name: "sweep",
        does: "compare every provider's keys with the ledger, and clean up after crashes",
        load: async () => (await import("./commands/sweep.ts")).sweep,
      },
      {
        name: "provider",
        does: "try a provider that is declared as data, or make the files of one that is code",
        load: async () => (await import("./commands/provider.ts")).provider,
      },
      {
        name: "issue",
        does: "make a new key in a new secret from a template, for an application, agent, developer or environment",
        load: async () => (await import("./commands/issue.ts")).issue,
      },
      {
        name: "retire",
        does: "end a secret: its keys are revoked and proven dead, and nothing takes their place",
        load: async () => (await import("./commands/retire.ts")).retire,
      },
      {
        name: "leave",
        does: "stop looking after a secret, or all: their records are written to a folder, and consumers go on as they are",
        load: async () => (await import("./commands/leave.ts")).leave,
      },
      {
        name: "completion",
        does: "print what makes bash, zsh or fish complete rekey's commands and options",
        load: async () => (await import("./commands/completion.ts")).completionOf(commandTable),
      },
    ],
  },
  {
    heading: "Programs that use keys:",
    commands: [
      {
        name: "exec",
        does: "run a program with a key, and again when the key was rotated",
        load: async () => (await import("./commands/exec.ts")).exec,
      },
      {
        name: "agent",
        does: "serve secrets on 127.0.0.1 to programs in any language",
        load: async () => (await import("./commands/agent.ts")).agent,
      },
      {
        name: "pull",
        does: "write a consumer's values into a file of your own, for a laptop",
        load: async () => (await import("./commands/pull.ts")).pull,
      },
    ],
  },
];

/** The same commands in one list. */
export const commandTable: readonly NamedCommand[] = commandGroups.flatMap(({ commands }) => commands);
