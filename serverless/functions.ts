type TableRead = "GetItem" | "Query";
type SecretAction = "DescribeSecret" | "GetSecretValue" | "PutSecretValue" | "UpdateSecretVersionStage";
type MachineAction =
  | "SendTaskSuccess"
  | "SendTaskFailure"
  | "StartExecution"
  | "DescribeExecution"
  | "StopExecution";

/** A kind of item in the ledger, which begins the item's partition key. `AUDIT` stands for the chain with its index. */
export type Kind =
  | "ASKER"
  | "AUDIT"
  | "DEBT"
  | "EVIDENCE"
  | "FINGERPRINT"
  | "FORMER"
  | "INCIDENT"
  | "INDEX"
  | "KEY"
  | "ORDER"
  | "POLICY"
  | "REFRESH"
  | "REPLAY"
  | "ROTATION"
  | "SECRET"
  | "STOP"
  | "SWEEP";

/** What one function is, what calls it besides a state machine, and all that its role may do. */
export interface FunctionRow {
  readonly does: string;
  readonly calledBy?:
    | "decryptRecords"
    | "everyHour"
    | "everyDay"
    | "reportBus"
    | "alertBus"
    | "executionStatus"
    | "clock"
    | "callerUrl"
    | "publicUrl";
  /** How it reads the ledger, whose items of every kind it may read. */
  readonly table: readonly TableRead[];
  /** The kinds of the ledger's items that it may write, and those that it may remove. */
  readonly writes?: readonly Kind[];
  readonly removes?: readonly Kind[];
  /** On the secrets that are rotated, never on those of admin credentials and signing secrets. */
  readonly secrets?: readonly SecretAction[];
  /** `index` may also list a secret's versions. */
  readonly admin?: "read" | "index";
  /** The signing secrets of alert sources. */
  readonly signing?: "read";
  /** `Bus` is Rekey's own. Only the roles of these rows may put events on `AlertBus`. */
  readonly publishes?: readonly ("Bus" | "AlertBus")[];
  readonly machines?: readonly MachineAction[];
  /** On the workloads that the deployment lists, and no other. */
  readonly workloads?: "observe" | "refresh";
  /** Gets the intake's public address. Given to every function, the address would be a circular reference. */
  readonly intake?: "call";
  /** Less than its Task's TimeoutSeconds; 30 by default. */
  readonly timeoutSeconds?: number;
  readonly schedules?: "reconcile";
  /** Signs and files checkpoints, or certificates. Never for a function that writes the ledger: it could sign what it forged. */
  readonly audit?: "anchor" | "certify";
  /** Pages people: through the topic, PagerDuty and Slack. `index` may only read the credentials of the last two. */
  readonly people?: "page" | "index";
  readonly reports?: "file";
  /** CloudTrail's event history: who read a secret. */
  readonly accessRecords?: "read";
}

const get = ["GetItem"] as const;
const getAndList = ["GetItem", "Query"] as const;

/** The machine settles a failed run, or the run's status event does if the machine could not. */
const settling = {
  table: getAndList,
  writes: ["SECRET", "ROTATION", "DEBT", "AUDIT"],
  secrets: ["DescribeSecret", "UpdateSecretVersionStage"],
  admin: "read",
  publishes: ["Bus"],
} as const;

/** Releases the secrets of an incident. */
const closing = {
  table: get,
  writes: ["SECRET", "ROTATION", "DEBT", "INCIDENT"],
  removes: ["DEBT"],
  secrets: ["DescribeSecret", "UpdateSecretVersionStage"],
  publishes: ["Bus"],
  machines: ["SendTaskSuccess"],
} as const;

/** One row per file in functions/ that exports a handler; in the order in which a rotation meets them. */
export const functions: Readonly<Record<string, FunctionRow>> = {
  "open-rotation": {
    does: "Checks the policy, takes the secret's lease, finds the retiring key",
    table: getAndList,
    writes: ["SECRET", "ROTATION", "FINGERPRINT", "AUDIT"],
    secrets: ["DescribeSecret", "GetSecretValue", "UpdateSecretVersionStage"],
    admin: "read",
    publishes: ["Bus"],
  },
  "mint-key": {
    does: "Makes the incoming key and stages it as the pending version",
    table: getAndList,
    writes: ["SECRET", "FINGERPRINT", "AUDIT"],
    secrets: ["DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"],
    admin: "read",
  },
  "await-key": {
    does: "Asks a person or a pool for a key that the provider does not let us make",
    table: get,
    writes: ["SECRET"],
    publishes: ["Bus"],
    machines: ["SendTaskSuccess"],
  },
  "prove-incoming": {
    does: "Uses the pending key once at the provider",
    table: get,
    writes: ["SECRET", "ROTATION"],
    secrets: ["GetSecretValue"],
  },
  "check-promotion": {
    does: "Asks whether an approval, a window, a freeze or another secret is in the way of the promotion",
    table: getAndList,
    writes: ["ROTATION"],
    publishes: ["Bus"],
  },
  "promote-version": {
    does: "Pins the retiring version and moves AWSCURRENT with compare-and-swap",
    table: getAndList,
    writes: ["SECRET", "AUDIT"],
    secrets: ["DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"],
  },
  "nudge-consumers": {
    does: "Starts the refresh that each consumer's policy asks for",
    table: get,
    writes: ["SECRET", "REFRESH"],
    publishes: ["Bus"],
    workloads: "refresh",
  },
  "check-adoption": {
    does: "Gathers evidence and asks the adoption rule",
    table: getAndList,
    writes: ["SECRET", "ROTATION", "EVIDENCE", "REFRESH"],
    admin: "read",
    workloads: "observe",
  },
  "await-evidence": {
    does: "Lets the run wait until something may change the decision",
    table: get,
    writes: ["SECRET"],
    machines: ["SendTaskSuccess"],
  },
  "quarantine-key": {
    does: "Disables the retiring key reversibly, and restores it on any sign of use",
    table: getAndList,
    writes: ["SECRET", "EVIDENCE", "REFRESH"],
    workloads: "observe",
    secrets: ["GetSecretValue"],
    admin: "read",
    publishes: ["Bus"],
  },
  "revoke-key": {
    does: "Deletes the retiring key, after checking every reason to wait once more",
    table: getAndList,
    writes: ["SECRET", "ROTATION", "EVIDENCE", "REFRESH", "AUDIT"],
    workloads: "observe",
    secrets: ["GetSecretValue"],
    admin: "read",
    publishes: ["Bus"],
  },
  "prove-dead": {
    does: "Counts the provider's refusals of the retiring key in a row, and writes the record of death",
    table: getAndList,
    writes: ["SECRET", "ROTATION", "KEY", "AUDIT"],
    secrets: ["GetSecretValue"],
    admin: "read",
  },
  "certify-rotation": {
    does: "Signs and files the certificate of a rotation",
    table: ["GetItem", "Query"],
    audit: "certify",
  },
  "close-rotation": {
    does: "Unpins the retiring version, notes the certificate, removes what has ended and frees the lease",
    table: getAndList,
    writes: ["SECRET", "ROTATION", "DEBT", "AUDIT"],
    removes: ["EVIDENCE", "DEBT"],
    secrets: ["DescribeSecret", "UpdateSecretVersionStage"],
    publishes: ["Bus"],
  },
  "settle-rotation": {
    does: "Ends a run that failed: deletes its own key again, or records what is owed",
    ...settling,
  },
  "settle-closed": {
    does: "Settles an execution that timed out or was stopped",
    calledBy: "executionStatus",
    ...settling,
    writes: ["SECRET", "ROTATION", "DEBT", "INCIDENT", "AUDIT"],
    removes: ["DEBT"],
    machines: ["SendTaskSuccess"],
    people: "page",
  },
  sweep: {
    does: "Compares providers, store and ledger, cleans up after crashes, and measures what is owed",
    calledBy: "clock",
    timeoutSeconds: 600,
    table: getAndList,
    writes: ["SECRET", "ROTATION", "DEBT", "INCIDENT", "SWEEP", "AUDIT"],
    removes: ["DEBT"],
    secrets: ["DescribeSecret", "GetSecretValue", "UpdateSecretVersionStage"],
    admin: "read",
    publishes: ["Bus"],
    machines: ["StartExecution", "DescribeExecution", "SendTaskSuccess"],
    people: "page",
  },
  "record-evidence": {
    does: "Stores a consumer's report and wakes the run whose decision it changes",
    calledBy: "reportBus",
    table: getAndList,
    writes: ["SECRET", "EVIDENCE"],
    machines: ["SendTaskSuccess"],
  },
  admin: {
    does: "Does what people ask for with the rekey command: the caller is the AWS principal that signed",
    calledBy: "callerUrl",
    table: getAndList,
    writes: [
      "SECRET",
      "POLICY",
      "FORMER",
      "FINGERPRINT",
      "EVIDENCE",
      "STOP",
      "ASKER",
      "KEY",
      "INCIDENT",
      "ORDER",
      "AUDIT",
    ],
    removes: ["POLICY", "STOP"],
    secrets: ["DescribeSecret", "GetSecretValue"],
    admin: "read",
    publishes: ["Bus"],
    machines: ["StartExecution", "StopExecution", "DescribeExecution", "SendTaskSuccess"],
    schedules: "reconcile",
    people: "page",
    signing: "read",
    intake: "call",
  },
  "record-read": {
    does: "Stores who read which version of a secret, and wakes the run whose decision it changes",
    calledBy: "decryptRecords",
    table: getAndList,
    writes: ["SECRET", "EVIDENCE"],
    machines: ["SendTaskSuccess"],
  },
  intake: {
    does: "Verifies who sent an alert, and puts what it says on the alert bus without any plaintext",
    calledBy: "publicUrl",
    table: getAndList,
    // The one function that strangers reach: what it saw before, and the audit log.
    writes: ["REPLAY", "AUDIT"],
    signing: "read",
    publishes: ["AlertBus"],
  },
  "synthetic-leak": {
    does: "Reports a made-up key, and waits until the page was delivered on every channel",
    calledBy: "everyDay",
    table: getAndList,
    writes: ["INCIDENT"],
    signing: "read",
    machines: ["SendTaskSuccess"],
    intake: "call",
  },
  "anchor-audit": {
    does: "Signs the newest entry of every audit log and stores it, locked, outside the ledger",
    calledBy: "everyHour",
    timeoutSeconds: 600,
    table: ["Query"],
    audit: "anchor",
  },
  "index-secrets": {
    does: "Keeps the index that finds the key of an alert",
    calledBy: "clock",
    table: getAndList,
    writes: ["FINGERPRINT", "INDEX"],
    secrets: ["DescribeSecret", "GetSecretValue"],
    admin: "index",
    signing: "read",
    people: "index",
  },
  "raise-alert": {
    does: "Finds the incident that an alert belongs to, or opens one and starts the compromise machine",
    calledBy: "alertBus",
    table: getAndList,
    writes: ["INCIDENT", "AUDIT"],
    machines: ["StartExecution", "StopExecution", "SendTaskSuccess"],
    publishes: ["Bus"],
    people: "page",
  },
  "open-incident": {
    does: "Takes every secret that holds the key from whatever run has it, sets the clock and the plan",
    table: getAndList,
    writes: ["SECRET", "ROTATION", "DEBT", "INCIDENT", "AUDIT"],
    secrets: ["DescribeSecret", "GetSecretValue", "UpdateSecretVersionStage"],
    admin: "read",
    publishes: ["Bus"],
    machines: ["SendTaskSuccess", "SendTaskFailure"],
  },
  "contain-key": {
    does: "Disables or deletes the compromised key, and no other",
    table: getAndList,
    writes: ["SECRET", "INCIDENT", "AUDIT"],
    secrets: ["GetSecretValue"],
    admin: "read",
    machines: ["SendTaskSuccess"],
  },
  "prove-contained": {
    does: "Checks whether the compromised key is dead",
    table: getAndList,
    writes: ["SECRET", "KEY", "INCIDENT", "AUDIT"],
    secrets: ["GetSecretValue"],
    admin: "read",
    machines: ["SendTaskSuccess"],
  },
  "note-replacement": {
    does: "Tells the other branches how the replacement of one secret stands",
    table: get,
    writes: ["SECRET", "INCIDENT"],
    machines: ["SendTaskSuccess"],
  },
  "check-recovery": {
    does: "Asks whether every consumer of one secret holds the replacement",
    table: getAndList,
    writes: ["SECRET", "EVIDENCE", "INCIDENT", "REFRESH"],
    workloads: "observe",
    machines: ["SendTaskSuccess"],
  },
  "block-containment": {
    does: "Records why no automatic step contains a key, and wakes the clock",
    table: get,
    writes: ["INCIDENT"],
    machines: ["SendTaskSuccess"],
  },
  "check-clock": {
    does: "Says whether an incident has to be escalated now, and if not, when to ask again",
    table: ["GetItem"],
  },
  "await-incident": {
    does: "Lets a branch of an incident wait until the record may lead to another decision",
    table: get,
    writes: ["INCIDENT"],
    machines: ["SendTaskSuccess"],
  },
  escalate: {
    does: "Reaches a person, through every channel that there is",
    table: get,
    writes: ["INCIDENT"],
    publishes: ["Bus"],
    machines: ["SendTaskSuccess"],
    people: "page",
  },
  "scope-incident": {
    does: "Looks who read the secret, what the key did, and what else may have leaked",
    timeoutSeconds: 300,
    table: getAndList,
    writes: ["INCIDENT"],
    admin: "read",
    machines: ["SendTaskSuccess"],
    accessRecords: "read",
  },
  "file-report": {
    does: "Files the incident's report",
    table: get,
    writes: ["INCIDENT"],
    publishes: ["Bus"],
    machines: ["SendTaskSuccess"],
    reports: "file",
  },
  "certify-incident": {
    does: "Signs and files the certificate of an incident",
    table: ["GetItem", "Query"],
    audit: "certify",
  },
  "close-incident": {
    does: "Gives the secrets back and closes an incident whose keys are dead or waived",
    ...closing,
    table: getAndList,
    writes: ["SECRET", "ROTATION", "DEBT", "INCIDENT", "AUDIT"],
  },
  "settle-incident": {
    does: "Leaves an incident that the machine could not finish to a person",
    ...closing,
    people: "page",
  },
};
