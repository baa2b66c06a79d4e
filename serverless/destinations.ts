import type { Deployment } from "./deployment.ts";
import type { FunctionRow } from "./function-row.ts";
import { allow, type Statement } from "./statements.ts";

type Asks = FunctionRow["destinations"];

const readActions = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"];
const writeActions = ["secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"];

/** The tokens of the places that the deployment lists, and what it takes to reach those that are in AWS. */
export function destinationStatements(
  { destinations: asks }: FunctionRow,
  deployment: Deployment,
): readonly Statement[] {
  if (isAsking(asks) === undefined) return [];
  const places = Object.values(deployment.destinations);
  const own = places.filter(({ role }) => role === undefined);
  const secrets = own.flatMap(({ secret, kind }) =>
    kind === "secrets-manager" && typeof secret === "string" ? [secret] : [],
  );
  const roles = places.flatMap(({ role }) => (typeof role === "string" ? [role] : []));
  const onSecrets = asks === "write" ? [...readActions, ...writeActions] : readActions;
  return [
    given("PlaceTokens", ["secretsmanager:GetSecretValue"], tokensOf(deployment)),
    given("CopySecrets", onSecrets, secrets),
    given("PlaceRoles", ["sts:AssumeRole"], roles),
  ].flat();
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
