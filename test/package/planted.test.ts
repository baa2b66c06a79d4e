import { resolveStack } from "../../local/stack/resolve.ts";
import { deployment } from "./deployment.ts";
import { faultsIn } from "./faults.ts";
import { place, rendered } from "./packaged.ts";

const sound = rendered(deployment);

/** The faults of the template after `plant` has changed the properties of one of its resources. */
function faultsAfter(id: string, plant: (properties: Record<string, never>) => void): readonly string[] {
  const copy = structuredClone(sound);
  plant(copy[id]?.Properties as Record<string, never>);
  return faultsIn(resolveStack(copy, place));
}

test("the template as it is has no fault", () => {
  expect(faultsIn(resolveStack(sound, place))).toEqual([]);
});

test("a dropped permission is named with its role and action", () => {
  const dropped = (sid: string) => (properties: Record<string, never>) => {
    const [policy] = properties["Policies"] as unknown as [
      { PolicyDocument: { Statement: { Sid: string }[] } },
    ];
    const { PolicyDocument } = policy;
    PolicyDocument.Statement = PolicyDocument.Statement.filter(({ Sid }) => Sid !== sid);
  };
  expect(faultsAfter("AnchorDashauditRole", dropped("ReadLedger"))).toEqual([
    "AnchorDashauditRole may not dynamodb:Query SECRET#x",
  ]);
  expect(faultsAfter("RaiseDashalertRole", dropped("Publish"))).toEqual([
    "RaiseDashalertRole may not events:PutEvents",
  ]);
  expect(faultsAfter("AwaitDashkeyRole", dropped("WriteOwnKinds"))).toContain(
    "AwaitDashkeyRole may not dynamodb:PutItem SECRET#x",
  );
});

test("a renamed environment variable is named with its function", () => {
  const faults = faultsAfter("CheckDashclockLambdaFunction", ({ Environment }) => {
    const { Variables } = Environment as unknown as { Variables: Record<string, unknown> };
    Variables["REKEY_LEDGER"] = Variables["REKEY_TABLE"];
    delete Variables["REKEY_TABLE"];
  });
  expect(faults).toEqual([
    "CheckDashclockLambdaFunction has no REKEY_TABLE, which functions/wiring/settings.ts requires",
  ]);
});

test("a broken pattern is named with its rule", () => {
  const faults = faultsAfter("RaiseDashalertRule", (properties) => {
    Object.assign(properties, { EventPattern: { source: ["rekey.intakes"] } });
  });
  expect(faults).toEqual(['RaiseDashalertRule does not take "rekey.intake"']);
});

test("a stripped null is named with its machine and state", () => {
  const faults = faultsAfter("RotationMachine", (properties) => {
    const definition = JSON.parse(String(properties["DefinitionString"]), (_, value) => value ?? undefined);
    Object.assign(properties, { DefinitionString: JSON.stringify(definition) });
  });
  expect(faults).toContain("RotationMachine lost the null at /States/Announce/ResultPath");
});
