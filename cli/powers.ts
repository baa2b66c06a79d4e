import { boundOf, type Condition, isForOtherServices, leftBy } from "./conditions.ts";
import { matches, overlaps } from "./globs.ts";
import { asText, type Resources } from "./template.ts";

/**
 * What whoever has it can do to the keys that Rekey looks after. `provider` is to make and revoke keys: one credential
 * opens both at every provider. `record` is to write the ledger, which nobody who signs may.
 */
export const powers = ["read", "decrypt", "stage", "promote", "provider", "record", "sign", "order"] as const;
export type Power = (typeof powers)[number];

/** The resources that a power is about, as patterns; without an entry any resource counts. */
export type Targets = Readonly<Partial<Record<Power, readonly string[]>>>;

export interface Statement {
  readonly Sid?: string;
  readonly Effect?: string;
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: unknown;
  readonly NotResource?: unknown;
  readonly Condition?: Condition;
}

export interface Holding {
  readonly power: Power;
  /** Only while the conditions of its statements hold. */
  readonly isConditional: boolean;
  /** Those conditions in words that follow "only": one of each list holds. */
  readonly bounds: readonly string[];
}

export interface Held {
  readonly name: string;
  readonly from: "template" | "account";
  readonly does?: string;
  readonly statements: readonly Statement[];
}

const actionsOf: Readonly<Record<Power, readonly string[]>> = {
  read: ["secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue"],
  decrypt: ["kms:Decrypt"],
  stage: ["secretsmanager:PutSecretValue"],
  promote: ["secretsmanager:UpdateSecretVersionStage"],
  provider: ["secretsmanager:GetSecretValue"],
  record: ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"],
  sign: ["kms:Sign"],
  order: ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"],
};

export function powersIn(statements: readonly Statement[], targets: Targets): readonly Holding[] {
  return powers.flatMap((power) => {
    const giving = statements.filter((statement) => gives(statement, power, targets));
    if (giving.length === 0 || isDenied(statements, power, targets)) return [];
    const bounds = [...allowedBy(giving), ...leftByDenials(statements, power, targets)];
    return { power, isConditional: bounds.length > 0, bounds };
  });
}

function gives(statement: Statement, power: Power, targets: Targets): boolean {
  if (statement.Effect !== "Allow" || !actionsOf[power].some((action) => isOn(statement, action)))
    return false;
  const { Condition } = statement;
  if (power === "decrypt" && Condition && isForOtherServices(Condition, "secretsmanager")) return false;
  // A tag that only rotated secrets have opens no admin credential.
  if (power === "provider" && isByTag(statement)) return false;
  const about = targets[power];
  if (about === undefined || statement.NotResource !== undefined) return true;
  const resources = textsOf(statement.Resource ?? "*");
  return resources.some((resource) => about.some((target) => isAbout(resource, target)));
}

/** Where one of the grants has no condition, those of the others bound nothing. */
function allowedBy(giving: readonly Statement[]): readonly string[] {
  const bounds = giving.map(({ Condition }) => Condition && boundOf(Condition));
  const said = bounds.filter((bound) => bound !== undefined);
  return said.length < giving.length ? [] : [[...new Set(said)].join(", or ")];
}

function leftByDenials(statements: readonly Statement[], power: Power, targets: Targets): readonly string[] {
  const denials = statements.filter((statement) => statement.Condition && denies(statement, power, targets));
  return [...new Set(denials.flatMap(({ Condition = {} }) => leftBy(Condition) ?? []))];
}

/**
 * Secrets that are known by their tag alone: only a grant on all secrets counts, because any other grant names its
 * secrets.
 */
function isAbout(resource: string, target: string): boolean {
  const [one, other] = [withinAccount(resource), withinAccount(target)];
  return target.endsWith(":secret:*") ? matches(other, one) : overlaps(one, other);
}

/**
 * Only the service and the resource of an ARN are compared: a `*` that stands for an open Region would otherwise
 * match other parts too.
 */
function withinAccount(arn: string): string {
  if (!arn.startsWith("arn:")) return arn;
  const [, , service = "*", , , ...resource] = arn.split(":");
  return `${service}:${resource.length === 0 ? "*" : resource.join(":")}`;
}

/** By a Deny without a condition on everything that the power is about. */
function isDenied(statements: readonly Statement[], power: Power, targets: Targets): boolean {
  return statements.some((statement) => !statement.Condition && denies(statement, power, targets));
}

/** Everything that the power is about, while its condition holds. */
function denies(statement: Statement, power: Power, targets: Targets): boolean {
  const { Effect, Resource, NotResource } = statement;
  if (Effect !== "Deny" || NotResource !== undefined) return false;
  if (!actionsOf[power].every((action) => isOn(statement, action))) return false;
  const denied = textsOf(Resource).map(withinAccount);
  const about = targets[power] ?? ["*"];
  return about.every((target) => denied.some((each) => matches(withinAccount(target), each)));
}

function isOn({ Action, NotAction }: Statement, action: string): boolean {
  const named = (patterns: Statement["Action"]) =>
    [patterns ?? []].flat().some((each) => matches(action, each));
  return NotAction === undefined ? named(Action) : !named(NotAction);
}

function isByTag({ Condition = {} }: Statement): boolean {
  return Object.values(Condition).some((keys) => Object.keys(keys).some((key) => /resourcetag\//i.test(key)));
}

const textsOf = (value: unknown): readonly string[] => [value].flat().map(asText);

/** Roles and managed policies of the template, with what a function does in its own words. */
export function heldIn(resources: Resources): readonly Held[] {
  return Object.entries(resources).flatMap(([id, { Type, Properties = {} }]): readonly Held[] => {
    if (Type === "AWS::IAM::ManagedPolicy") {
      const statements = statementsIn(Properties["PolicyDocument"]);
      return [
        { name: `policy/${id}`, from: "template", does: asText(Properties["Description"]), statements },
      ];
    }
    if (Type !== "AWS::IAM::Role") return [];
    const inline = (Properties["Policies"] ?? []) as readonly { readonly PolicyDocument: unknown }[];
    const statements = inline.flatMap(({ PolicyDocument }) => statementsIn(PolicyDocument));
    const own = resources[`${id.replace(/Role$/, "")}LambdaFunction`]?.Properties?.["Description"];
    const name = `role/${Properties["RoleName"] === undefined ? id : asText(Properties["RoleName"])}`;
    return [{ name, from: "template", ...(typeof own === "string" && { does: own }), statements }];
  });
}

export function statementsIn(document: unknown): readonly Statement[] {
  const parsed = typeof document === "string" ? (JSON.parse(document) as unknown) : document;
  const { Statement: given = [] } = (parsed ?? {}) as {
    readonly Statement?: Statement | readonly Statement[];
  };
  return [given].flat();
}

/** What the powers are about, as the template's own statements name it. */
export function targetsIn(held: readonly Held[]): { readonly [P in "read" | "provider"]: readonly string[] } {
  const named = (...sids: readonly string[]) => {
    const found = held.flatMap(({ statements }) => statements.filter(({ Sid = "" }) => sids.includes(Sid)));
    return [...new Set(found.flatMap(({ Resource }) => textsOf(Resource)))];
  };
  return { read: named("RotatedSecrets", "TaggedSecrets"), provider: named("AdminCredentials") };
}
