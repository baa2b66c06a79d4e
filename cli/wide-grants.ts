import type { Finding } from "./findings.ts";
import { matches } from "./globs.ts";

/** Who may call the admin function, as far as the caller may read it. */
export interface Grants {
  readonly functionArn: string;
  /** The function's own policy, as JSON; undefined where it has none. */
  readonly resourcePolicy?: string | undefined;
  readonly holders: readonly Holder[];
  /** What could not be looked at, and why. */
  readonly unseen: readonly string[];
}

/** A role, user or group, and the JSON of every policy that it has. */
export interface Holder {
  readonly name: string;
  readonly documents: readonly string[];
}

interface Statement {
  readonly Sid?: string;
  readonly Effect?: string;
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const invoke = "lambda:InvokeFunction";
const urlOnly = "lambda:invokedviafunctionurl";

/**
 * Whoever may invoke the admin function in another way than through its URL writes the event that AWS writes otherwise.
 * The function asks AWS who signed an order and so believes no such event, but nobody needs that grant.
 */
export function wideGrants({ functionArn, resourcePolicy, holders }: Grants): readonly Finding[] {
  const own = resourcePolicy === undefined ? [] : directIn(resourcePolicy, functionArn);
  return [
    ...own.map((statement) => ({
      ...{ severity: "problem" as const, about: "admin function" },
      message: `its own policy lets it be invoked directly: ${statement.Sid ?? "a statement without Sid"}`,
      hint: `remove it: aws lambda remove-permission --function-name ${functionArn} --statement-id SID`,
    })),
    ...holders.flatMap((holder) => holderFindings(holder, functionArn)),
  ];
}

function holderFindings({ name, documents }: Holder, functionArn: string): readonly Finding[] {
  const direct = documents.flatMap((document) => directIn(document, functionArn));
  if (direct.length === 0) return [];
  // Whoever may do everything may also change the function: to narrow this one grant would gain nothing.
  if (direct.some(isEverything))
    return [
      {
        ...{ severity: "advice", about: name },
        message: "may do everything in the account, and with it invoke the admin function directly",
        hint: "give it to as few as possible; a guard in a boundary or service control policy can deny the call",
      },
    ];
  const sids = [...new Set(direct.map(({ Sid }) => Sid ?? "a statement without Sid"))].join(", ");
  return [
    {
      ...{ severity: "problem", about: name },
      message: `may invoke the admin function directly: ${sids}`,
      hint: "give it OperatorPolicyArn instead, which allows the call only through the function's URL",
    },
  ];
}

function directIn(document: string, functionArn: string): readonly Statement[] {
  const { Statement = [] } = JSON.parse(document) as { readonly Statement?: Statement | Statement[] };
  return [Statement]
    .flat()
    .filter(({ Effect }) => Effect === "Allow")
    .filter((statement) => covers(statement, functionArn) && !isThroughUrl(statement));
}

function covers({ Action, NotAction, Resource, NotResource }: Statement, functionArn: string): boolean {
  const isAction =
    NotAction === undefined
      ? listed(Action).some((pattern) => matches(invoke, pattern))
      : !listed(NotAction).some((pattern) => matches(invoke, pattern));
  // A version or an alias has the function's ARN with something behind it.
  const isOurs = (pattern: string) => matches(functionArn, pattern) || pattern.startsWith(`${functionArn}:`);
  return isAction && (NotResource === undefined ? listed(Resource ?? "*").some(isOurs) : true);
}

function isThroughUrl({ Condition = {} }: Statement): boolean {
  const said = Object.entries(Condition["Bool"] ?? {});
  return said.some(([key, value]) => key.toLowerCase() === urlOnly && String(value) === "true");
}

const isEverything = ({ Action }: Statement) => listed(Action).includes("*");

function listed(given: string | readonly string[] | undefined): readonly string[] {
  return given === undefined ? [] : [given].flat();
}
