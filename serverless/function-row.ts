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
  | "ACCOUNT"
  | "ASKER"
  | "AUDIT"
  | "CAMPAIGN"
  | "COPY"
  | "DEBT"
  | "EVIDENCE"
  | "FINGERPRINT"
  | "FORMER"
  | "INCIDENT"
  | "INDEX"
  | "ISSUED"
  | "KEY"
  | "KIT"
  | "OBSERVATION"
  | "ORDER"
  | "POLICY"
  | "PUSHED"
  | "REFRESH"
  | "REPLAY"
  | "ROTATION"
  | "SECRET"
  | "STOP"
  | "SWEEP"
  | "TOLD"
  | "TRIAGE"
  | "TURN";

/** Less than every Task's TimeoutSeconds: a function has ended before the machine tries again. */
export const timeoutSecondsDefault = 30;

/** What one function is, what calls it besides a state machine, and all that its role may do. */
export interface FunctionRow {
  readonly does: string;
  readonly calledBy?:
    | "decryptRecords"
    | "rotateCalls"
    | "everyMinute"
    | "everyHour"
    | "everyDay"
    | "reportBus"
    | "alertBus"
    | "executionStatus"
    | "clock"
    | "secretsManager"
    | "admin"
    | "callerUrl"
    | "publicUrl";
  /** How it reads the ledger, whose items of every kind it may read. */
  readonly table: readonly TableRead[];
  /** The kinds of the ledger's items that it may write, and those that it may remove. */
  readonly writes?: readonly Kind[];
  readonly removes?: readonly Kind[];
  /** On the secrets that are rotated, never on those of admin credentials and signing secrets. */
  readonly secrets?: readonly SecretAction[];
  /**
   * All but `index`, which may also list a secret's versions, read it to call providers. At issuers that answer to
   * Rekey's own role `change` disables and deletes keys, `make` makes them too, and everybody else only lists them.
   */
  readonly admin?: "read" | "index" | "change" | "make";
  /** Makes new secrets, under the names and with the tag of those that are rotated. */
  readonly creates?: "secrets";
  /** Calls the one function that makes them. */
  readonly issuing?: "call";
  /** The signing secrets of alert sources. */
  readonly signing?: "read";
  /** `Bus` is Rekey's own. Only the roles of these rows may put events on `AlertBus`. */
  readonly publishes?: readonly ("Bus" | "AlertBus")[];
  readonly machines?: readonly MachineAction[];
  /** On the workloads that the deployment lists, and no other. */
  readonly workloads?: "observe" | "refresh";
  /**
   * The places that get copies. `names` may only know which there are; `observe` reads what is there, with the place's
   * own token; `write` is the one function that writes.
   */
  readonly destinations?: "names" | "observe" | "write";
  /** Gets the intake's public address. Given to every function, the address would be a circular reference. */
  readonly intake?: "call";
  /** Less than its Task's TimeoutSeconds; `timeoutSecondsDefault` by default. */
  readonly timeoutSeconds?: number;
  readonly schedules?: "reconcile" | "read";
  /** Signs and files checkpoints, or certificates. Never for a function that writes the ledger: it could sign what it forged. */
  readonly audit?: "anchor" | "certify";
  /** Pages people: through the topic, PagerDuty and Slack. `index` may only read the credentials of the last two. */
  readonly people?: "page" | "index";
  readonly reports?: "file";
  /** Sends audit entries to the collector; `index` may only read its token. */
  readonly collector?: "push" | "index";
  /** Puts the sealed kit into the bucket of another Region. */
  readonly kit?: "export";
  /** CloudTrail's event history: who read a secret. */
  readonly accessRecords?: "read";
}
