import type { Deployment, DestinationPlace } from "./deployment.ts";
import type { FunctionRow } from "./function-row.ts";
import { allow, type Statement } from "./statements.ts";

type Asks = FunctionRow["destinations"];

/** What a place in AWS is asked for, and what only the one function may do that writes copies. */
const actionsOn = {
  CopySecrets: {
    read: ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
    write: ["secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"],
  },
  CopyParameters: { read: ["ssm:GetParameter"], write: ["ssm:PutParameter"] },
  CopyParameterKeys: { read: ["kms:Decrypt"], write: ["kms:Encrypt", "kms:GenerateDataKey"] },
  CopyFunctions: {
    read: ["lambda:GetAlias", "lambda:GetFunctionConfiguration", "lambda:ListTags"],
    write: ["lambda:PublishVersion", "lambda:UpdateAlias", "lambda:UpdateFunctionConfiguration"],
  },
} as const;

/** The tokens of the places that the deployment lists, and what it takes to reach those that are in AWS. */
export function destinationStatements(
  { destinations: asks }: FunctionRow,
  deployment: Deployment,
): readonly Statement[] {
  if (isAsking(asks) === undefined) return [];
  const places = Object.values(deployment.destinations);
  const own = places.filter(({ role }) => role === undefined);
  const on = (sid: keyof typeof actionsOn, resources: readonly string[]) => {
    const { read, write } = actionsOn[sid];
    return given(sid, asks === "write" ? [...read, ...write] : read, resources);
  };
  const functions = textsOf(own, "lambda-environment", "function");
  return [
    given("PlaceTokens", ["secretsmanager:GetSecretValue"], tokensOf(deployment)),
    on("CopySecrets", textsOf(own, "secrets-manager", "secret")),
    on(
      "CopyParameters",
      textsOf(own, "parameter-store", "parameters").map((path) => `${path}*`),
    ),
    on("CopyParameterKeys", textsOf(own, "parameter-store", "key")),
    on(
      "CopyFunctions",
      functions.flatMap((arn) => [arn, `${arn}:*`]),
    ),
    given(
      "PlaceRoles",
      ["sts:AssumeRole"],
      places.flatMap(({ role }) => (typeof role === "string" ? [role] : [])),
    ),
  ].flat();
}

/** One setting of every place of a kind. */
function textsOf(places: readonly DestinationPlace[], kind: string, setting: string): readonly string[] {
  return places.flatMap((place) => {
    const text = place[setting];
    return place.kind === kind && typeof text === "string" ? [text] : [];
  });
}

function given(sid: string, actions: readonly string[], resources: readonly string[]): readonly Statement[] {
  return resources.length === 0 ? [] : [allow(sid, actions, [...new Set(resources)])];
}

/** Undefined for a function that at most knows which places there are. */
export function isAsking(asks: Asks): Exclude<Asks, "names"> {
  return asks === "names" ? undefined : asks;
}

export function tokensOf({ destinations }: Pick<Deployment, "destinations">): readonly string[] {
  const tokens = Object.values(destinations).flatMap(({ token }) =>
    typeof token === "string" ? [token] : [],
  );
  return [...new Set(tokens)];
}
