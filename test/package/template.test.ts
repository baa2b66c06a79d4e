import { readdirSync, readFileSync } from "node:fs";
import { warmUp } from "../../functions/warm-up.ts";
import { forgetAttribute } from "../../ledger/dynamodb.ts";
import { referencesIn } from "../../local/stack/order.ts";
import { handlerNames, logicalName, stateName } from "../../serverless/handlers.ts";
import { machines } from "../../serverless/machines.ts";
import { roleId } from "../../serverless/roles.ts";
import { deployment, given } from "./deployment.ts";
import { ofType, rendered, resource, statementsOf } from "./packaged.ts";

const repository = new URL("../../", import.meta.url);
const names = handlerNames();

const report = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rekey/intake/report-FAKE04";
const template = rendered({ ...deployment, ...given, intakeSecrets: { report } });

function properties(id: string): Readonly<Record<string, unknown>> {
  return resource(template, id).Properties;
}

describe("the template", () => {
  test("refers only to what it holds", () => {
    for (const [id, { Properties, DependsOn = [] }] of Object.entries(template)) {
      const known = [...referencesIn(Properties), ...[DependsOn].flat()].map((name) =>
        name.startsWith("AWS::") ? id : name,
      );
      for (const name of known) expect(Object.keys(template)).toContain(name);
    }
  });

  test("has no circle of references", () => {
    const settled = new Set<string>();
    const visit = (id: string, path: readonly string[]): void => {
      expect(path).not.toContain(id);
      if (settled.has(id) || id.startsWith("AWS::")) return;
      const { Properties, DependsOn = [] } = resource(template, id);
      for (const next of [...referencesIn(Properties), ...[DependsOn].flat()]) visit(next, [...path, id]);
      settled.add(id);
    };
    for (const id of Object.keys(template)) visit(id, []);
  });
});

describe("functions", () => {
  test("are one per file that exports a handler", () => {
    expect(
      ofType(template, "AWS::Lambda::Function").map(([, { Properties }]) => Properties["Handler"]),
    ).toEqual(expect.arrayContaining(names.map((name) => `dist/${name}.handler`)));
    expect(ofType(template, "AWS::Lambda::Function")).toHaveLength(names.length);
  });

  test.each(names)("%s runs on Node 24 and arm64 with a role of its own", (name) => {
    expect(properties(`${logicalName(name)}LambdaFunction`)).toMatchObject({
      FunctionName: `rekey-production-${name}`,
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      Role: { "Fn::GetAtt": [roleId(name), "Arn"] },
    });
  });

  test("have every setting that their code reads", () => {
    const folder = new URL("functions/", repository);
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".ts"),
    );
    const source = files.map((file) => readFileSync(new URL(file, folder), "utf8")).join("\n");
    // LOOPBACK: only the local cloud's stand-ins speak plain http. DESTINATIONS: only what writes or looks at copies has it.
    // VAULTS to WORKLOAD_ROLES: only where the deployment has some.
    // ADMIN_ROLE, ROTATED_ADMIN_SECRETS: the same, see test/package/admin-credentials.test.ts.
    const some = "VAULTS|GOOGLE|AZURE|SEALED_KIT|PROVIDER_FUNCTIONS|WORKLOAD_ROLES";
    const only = `LOOPBACK|DESTINATIONS|${some}|ADMIN_ROLE|ROTATED`;
    const setting = new RegExp(String.raw`[[(]"(REKEY_(?!${only})\w+)"`, "g");
    const read = [...source.matchAll(setting)].map(([, name]) => name);
    const { Environment } = properties("SyntheticDashleakLambdaFunction") as {
      readonly Environment?: { readonly Variables: Readonly<Record<string, unknown>> };
    };
    expect(Object.keys(Environment?.Variables ?? {})).toEqual(expect.arrayContaining(read));
    expect(JSON.stringify(properties("WriteDashcopiesLambdaFunction"))).toContain("REKEY_DESTINATIONS");
    const listing = { ...deployment, providerFunctions: { "a-version": { codeSha256: "", publicKey: "" } } };
    expect(JSON.stringify(rendered(listing)["MintDashkeyLambdaFunction"])).toContain("a-version");
    expect(Environment?.Variables).toMatchObject({
      REKEY_ENVIRONMENT: "production",
      REKEY_REFRESH_ALLOWED: "[]",
    });
  });

  test("end before their Task does, so that a retry never meets its predecessor", () => {
    for (const { text } of machines()) {
      const tasks = [...text.matchAll(/"Resource": "\$\{(\w+)Arn\}",\s+"TimeoutSeconds": (\d+)/g)];
      expect(tasks.length).toBeGreaterThan(10);
      for (const [, called, seconds] of tasks) {
        const name = names.find((candidate) => stateName(candidate) === called) ?? "";
        const { Timeout } = properties(`${logicalName(name)}LambdaFunction`);
        expect(Timeout).toBeLessThan(Number(seconds));
      }
    }
  });
});

describe("roles", () => {
  /** There is no narrower resource for these. */
  const wildcards: Readonly<Record<string, string>> = {
    DeliverLogs: "log delivery belongs to the account, not to a resource",
    Trace: "X-Ray has no resources to name",
    ListSchedules: "EventBridge Scheduler lists over the account",
    LookUpReads: "CloudTrail's event history belongs to the account",
  };

  test("hold no permission for every action of a service", () => {
    for (const [, role] of ofType(template, "AWS::IAM::Role")) {
      for (const { Effect, Action = [], NotAction } of statementsOf(role)) {
        if (Effect !== "Allow") continue;
        expect(NotAction).toBeUndefined();
        for (const action of Action) expect(action).toMatch(/^[a-z0-9-]+:[A-Za-z]+$/);
      }
    }
  });

  test("name their resources, but for the short list", () => {
    for (const [, role] of ofType(template, "AWS::IAM::Role")) {
      for (const { Effect, Sid, Resource } of statementsOf(role)) {
        if (Effect !== "Allow" || !Resource.includes("*")) continue;
        expect(Object.keys(wildcards)).toContain(Sid);
      }
    }
  });

  test("are those of the functions, the machines and the scheduler, with no managed policy", () => {
    const machineRoles = machines().map(({ name }) => `${stateName(name)}MachineRole`);
    const ids = ofType(template, "AWS::IAM::Role").map(([id]) => id);
    expect(ids.sort()).toEqual([...names.map(roleId), ...machineRoles, "SchedulerRole"].sort());
    for (const id of ids) expect(properties(id)["ManagedPolicyArns"]).toBeUndefined();
    expect(ofType(template, "AWS::IAM::Policy")).toEqual([]);
  });

  test("the scheduler's starts the rotation machine, keeps what failed, and nothing else", () => {
    expect(statementsOf(resource(template, "SchedulerRole"))).toEqual([
      {
        Sid: "StartRotations",
        Effect: "Allow",
        Action: ["states:StartExecution"],
        Resource: [{ "Fn::Sub": expect.stringMatching(/:stateMachine:rekey-production-rotation$/) }],
      },
      expect.objectContaining({
        Action: ["sqs:SendMessage"],
        Resource: [{ "Fn::GetAtt": ["ScheduleDeadLetters", "Arn"] }],
      }),
    ]);
  });

  test("have the path and the boundary that the account demands", () => {
    const permissionsBoundary = "arn:aws:iam::123456789012:policy/platform-boundary";
    const demanding = rendered({ ...deployment, rolePath: "/platform/", permissionsBoundary });
    const roles = ofType(demanding, "AWS::IAM::Role");
    expect(roles.length).toBeGreaterThan(30);
    for (const [, { Properties }] of roles) {
      expect(Properties).toMatchObject({
        Path: "/platform/",
        PermissionsBoundary: permissionsBoundary,
      });
    }
    const alerts = resource(demanding, "AlertsFromIntake").Properties;
    expect(JSON.stringify(alerts)).toContain(`:role/platform/rekey-production-\${AWS::Region}-intake`);
  });

  test("nobody outside may call a function, but for the intake's senders, and Secrets Manager its rotation function", () => {
    for (const [id, { Properties }] of ofType(template, "AWS::Lambda::Permission")) {
      const account = { Ref: "AWS::AccountId" };
      if (Properties["Principal"] === "*") expect(id).toMatch(/^Intake/);
      else if (id.startsWith("NativeDashbridge"))
        expect(Properties).toMatchObject({
          Principal: "secretsmanager.amazonaws.com",
          SourceAccount: account,
        });
      else
        expect(Properties).toMatchObject({ Principal: "events.amazonaws.com", SourceArn: expect.anything() });
    }
    for (const [id, { Properties }] of ofType(template, "AWS::Lambda::Url")) {
      expect(Properties["AuthType"]).toBe(id.startsWith("Intake") ? "NONE" : "AWS_IAM");
    }
  });
});

describe("state machines", () => {
  test.each(machines().map(({ name }) => name))("%s is logged without its data, and traced", (name) => {
    const id = `${stateName(name)}Machine`;
    expect(properties(id)).toMatchObject({
      StateMachineName: `rekey-production-${name}`,
      StateMachineType: "STANDARD",
      LoggingConfiguration: { Level: "ALL", IncludeExecutionData: false },
      TracingConfiguration: { Enabled: true },
    });
    expect(properties(`${id}Log`)["RetentionInDays"]).toBeGreaterThan(0);
  });

  test.each(machines())(
    "$name calls published versions, which stay when a newer one comes",
    ({ name, text }) => {
      const { DefinitionSubstitutions } = properties(`${stateName(name)}Machine`) as {
        readonly DefinitionSubstitutions?: Readonly<Record<string, { readonly Ref: string }>>;
      };
      const { BusName, Partition, ...functionArns } = DefinitionSubstitutions ?? {};
      expect(BusName).toEqual({ Ref: "Bus" });
      expect(Partition).toEqual({ Ref: "AWS::Partition" });
      const placeholders = new Set(
        [...text.matchAll(/\$\{(\w+Arn)\}/g)].map(([, placeholder]) => placeholder),
      );
      expect(new Set(Object.keys(functionArns))).toEqual(placeholders);
      for (const [placeholder, { Ref }] of Object.entries(functionArns)) {
        const functionName = names.find((candidate) => `${stateName(candidate)}Arn` === placeholder) ?? "";
        expect(resource(template, Ref)).toMatchObject({
          Type: "AWS::Lambda::Version",
          DeletionPolicy: "RetainExceptOnCreate",
          Properties: { FunctionName: { Ref: `${logicalName(functionName)}LambdaFunction` } },
        });
      }
    },
  );

  test.each(machines())(
    "$name may invoke its own functions, announce, and report itself",
    ({ name, text }) => {
      const [invoke, announce, ...others] = statementsOf(resource(template, `${stateName(name)}MachineRole`));
      const called = names.filter((candidate) => text.includes(`\${${stateName(candidate)}Arn}`));
      expect(invoke).toMatchObject({ Action: ["lambda:InvokeFunction"] });
      expect(new Set(referencesIn(invoke?.Resource))).toEqual(
        new Set(called.map((candidate) => `${logicalName(candidate)}LambdaFunction`)),
      );
      for (const arn of invoke?.Resource ?? []) expect(JSON.stringify(arn)).toMatch(/\.Arn\}:\*"/);
      expect(announce).toMatchObject({
        Action: ["events:PutEvents"],
        Resource: [{ "Fn::GetAtt": ["Bus", "Arn"] }],
      });
      expect(others.map(({ Sid }) => Sid)).toEqual(["DeliverLogs", "Trace"]);
    },
  );
});

describe("rules", () => {
  test("a report reaches the ledger with its rule's environment and the envelope's account and time", () => {
    const [rule] = ofType(template, "AWS::Events::Rule").filter(
      ([, { Properties }]) => Properties["Name"] === "rekey-production-record-evidence",
    );
    expect(rule?.[1].Properties).toMatchObject({
      EventBusName: { Ref: "ReportBus" },
      EventPattern: { source: [{ prefix: "rekey.consumer" }], "detail-type": ["ConsumerReport"] },
      Targets: [
        {
          InputTransformer: {
            InputPathsMap: {
              ...{ account: "$.account", time: "$.time", source: "$.source", detail: "$.detail" },
            },
            InputTemplate:
              '{"environment":"production","event":{"account":<account>,"time":<time>,"source":<source>,"detail":<detail>}}',
          },
        },
      ],
    });
  });

  test("runs that fail, time out or are stopped raise an alarm", () => {
    const [rule] = ofType(template, "AWS::Events::Rule").filter(
      ([, { Properties }]) => Properties["Name"] === "rekey-production-settle-closed",
    );
    expect(rule?.[1].Properties).toMatchObject({
      EventPattern: {
        source: ["aws.states"],
        detail: {
          status: ["FAILED", "TIMED_OUT", "ABORTED"],
          stateMachineArn: [
            { "Fn::Sub": expect.stringMatching(/:rekey-production-rotation$/) },
            expect.anything(),
          ],
        },
      },
    });
    expect(rule?.[1].Properties["EventBusName"]).toBeUndefined();
  });
});

/** A warm-up that did not come is worth nothing later: the function starts when it is called. */
const warming = (id: string) => /^WarmUp/.test(id);

describe("an alert starts the functions that its incident will need", () => {
  const rules = ofType(template, "AWS::Events::Rule").filter(([id]) => warming(id));
  const targets = rules.flatMap(
    ([, { Properties }]) =>
      Properties["Targets"] as readonly { Arn: { Ref: string }; Input?: string; RetryPolicy: object }[],
  );
  const versions = targets.map(({ Arn }) => Arn.Ref);

  test("of every alert that may open one, by at most five targets a rule", () => {
    for (const [, { Properties }] of rules) {
      expect(Properties).toMatchObject({
        EventBusName: { Ref: "AlertBus" },
        EventPattern: {
          source: ["rekey.intake"],
          "detail-type": ["KeyCompromised"],
          detail: { kind: ["start"] },
        },
      });
      expect((Properties["Targets"] as readonly unknown[]).length).toBeLessThanOrEqual(5);
    }
  });

  test("by the published versions that the machine calls, in the order in which it comes to them", () => {
    const named = versions.map((id) => id.replace(/LambdaVersion.*$/, ""));
    expect(named).toEqual([
      ...["OpenDashincident", "ContainDashkey", "MintDashkey", "ProveDashincoming", "PromoteDashversion"],
      "NoteDashreplacement",
    ]);
    expect(referencesIn(properties("CompromiseMachine"))).toEqual(expect.arrayContaining(versions));
  });

  test("by a constant that carries nothing of the alert, and is not tried again", () => {
    for (const { Input, RetryPolicy } of targets) {
      expect(Input).toBe(JSON.stringify(warmUp));
      expect(RetryPolicy).toEqual({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 });
    }
  });

  test("and may invoke exactly those versions", () => {
    const permitted = ofType(template, "AWS::Lambda::Permission").filter(([id]) => warming(id));
    expect(permitted.map(([, { Properties }]) => Properties["FunctionName"])).toEqual(
      versions.map((Ref) => ({ Ref })),
    );
    for (const [, { Properties }] of permitted) {
      expect(Properties).toMatchObject({
        Action: "lambda:InvokeFunction",
        Principal: "events.amazonaws.com",
        SourceArn: { "Fn::GetAtt": [expect.stringMatching(/^WarmUp\w*Rule$/), "Arn"] },
      });
    }
  });
});

describe("what fails is kept", () => {
  test("every rule retries, and then leaves a dead letter", () => {
    const targets = ofType(template, "AWS::Events::Rule")
      .filter(([id]) => !warming(id))
      .flatMap(([, { Properties }]) => Properties["Targets"]);
    expect(targets.length).toBeGreaterThanOrEqual(2);
    for (const target of targets) {
      expect(target).toMatchObject({
        RetryPolicy: { MaximumRetryAttempts: 185, MaximumEventAgeInSeconds: 86_400 },
        DeadLetterConfig: { Arn: { "Fn::GetAtt": ["RuleDeadLetters", "Arn"] } },
      });
    }
  });

  test("every function that a rule calls leaves what it could not do", () => {
    const called = ofType(template, "AWS::Lambda::Permission")
      .filter(([, { Properties }]) => Properties["Principal"] === "events.amazonaws.com")
      .filter(([id]) => !warming(id))
      .map(([, { Properties }]) => referencesIn(Properties["FunctionName"])[0]);
    const kept = ofType(template, "AWS::Lambda::EventInvokeConfig").map(([, { Properties }]) => {
      expect(Properties).toMatchObject({
        MaximumRetryAttempts: 2,
        DestinationConfig: {
          OnFailure: { Destination: { "Fn::GetAtt": ["FunctionDeadLetters", "Arn"] } },
        },
      });
      return referencesIn(Properties["FunctionName"])[0];
    });
    expect(kept.sort()).toEqual(called.sort());
  });

  test("every queue is encrypted and has an alarm on its depth", () => {
    for (const [id, { Properties }] of ofType(template, "AWS::SQS::Queue")) {
      expect(Properties["SqsManagedSseEnabled"]).toBe(true);
      expect(properties(`${id}Alarm`)).toMatchObject({
        MetricName: "ApproximateNumberOfMessagesVisible",
        Threshold: 0,
        Dimensions: [{ Name: "QueueName", Value: { "Fn::GetAtt": [id, "QueueName"] } }],
      });
    }
  });
});

test("the template is the same for every Region: a release is deployed in another one than it was packaged for", () => {
  expect(rendered({ ...deployment, region: "us-gov-west-1" })).toEqual(rendered(deployment));
});

describe("what must outlive the stack", () => {
  test.each(["Ledger", "LedgerKey", "AuditKey", "AuditBucket", "AuditBucketPolicy"])("%s stays", (id) => {
    expect(resource(template, id)).toMatchObject({
      DeletionPolicy: "RetainExceptOnCreate",
      UpdateReplacePolicy: "Retain",
    });
    expect(Object.keys(properties(id))).not.toContain("TableName");
  });

  test("the ledger is encrypted with its own key, can be restored, and is billed by use", () => {
    expect(properties("Ledger")).toMatchObject({
      BillingMode: "PAY_PER_REQUEST",
      SSESpecification: {
        SSEEnabled: true,
        SSEType: "KMS",
        KMSMasterKeyId: { "Fn::GetAtt": ["LedgerKey", "Arn"] },
      },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });

  test("the ledger forgets by the attribute that the code sets", () => {
    expect(properties("Ledger")["TimeToLiveSpecification"]).toEqual({
      ...{ AttributeName: forgetAttribute, Enabled: true },
    });
  });

  test("the ledger has the keys that the code uses", () => {
    const source = readFileSync(new URL("ledger/dynamodb.ts", repository), "utf8");
    const keys = [...source.matchAll(/\{ AttributeName: "(\w+)", KeyType: "(\w+)" \}/g)];
    expect(properties("Ledger")["KeySchema"]).toEqual(
      keys.map(([, AttributeName, KeyType]) => ({ AttributeName, KeyType })),
    );
  });

  test("nobody uses a key of ours without the account's or the table's say", () => {
    for (const [, { Properties }] of ofType(template, "AWS::KMS::Key")) {
      const { Statement } = Properties["KeyPolicy"] as { readonly Statement: readonly object[] };
      for (const statement of Statement) {
        if (!JSON.stringify(statement).includes('"AWS":"*"')) continue;
        expect(statement).toMatchObject({
          Condition: {
            StringEquals: {
              "kms:CallerAccount": { Ref: "AWS::AccountId" },
              "kms:ViaService": expect.anything(),
            },
          },
        });
      }
    }
    expect(properties("AuditKey")).toMatchObject({ KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" });
  });

  test("the key that signs refuses everybody but the roles that sign, whatever their policies allow", () => {
    const { KeyPolicy } = properties("AuditKey") as { readonly KeyPolicy: { Statement: readonly object[] } };
    const role = (name: string) =>
      `arn:\${AWS::Partition}:iam::\${AWS::AccountId}:role/rekey-production-\${AWS::Region}-${name}`;
    expect(KeyPolicy.Statement).toContainEqual({
      ...{ Sid: "OnlyTheseSign", Effect: "Deny", Principal: "*", Action: "kms:Sign", Resource: "*" },
      Condition: {
        ArnNotEquals: {
          "aws:PrincipalArn": ["anchor-audit", "certify-rotation", "certify-incident"].map((name) => ({
            "Fn::Sub": role(name),
          })),
        },
      },
    });
    expect(names).toEqual(expect.arrayContaining(["anchor-audit", "certify-rotation", "certify-incident"]));
  });

  test("checkpoints are locked by their writer as the bucket locks everything else", () => {
    const { Environment } = properties("AnchorDashauditLambdaFunction") as {
      readonly Environment?: { readonly Variables: Readonly<Record<string, unknown>> };
    };
    expect(Environment?.Variables).toMatchObject({
      REKEY_AUDIT_LOCK_MODE: "GOVERNANCE",
      REKEY_AUDIT_LOCK_DAYS: "365",
    });
  });

  test("audit checkpoints are locked, versioned, and never public", () => {
    expect(properties("AuditBucket")).toMatchObject({
      ObjectLockEnabled: true,
      ObjectLockConfiguration: { Rule: { DefaultRetention: { Mode: "GOVERNANCE", Days: 365 } } },
      VersioningConfiguration: { Status: "Enabled" },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
  });
});

describe("what a person sees", () => {
  const alarms = ["RotationsFailedAlarm", "RotationsOverdueAlarm", "OpenDebtAlarm", "OldestKeyAlarm"];

  test.each(alarms)("%s rings at the topic", (id) => {
    expect(properties(id)).toMatchObject({ AlarmActions: [{ Ref: "AlarmTopic" }] });
  });

  test.each([
    ["OldestKeyAlarm", "OldestKeyAgePastPolicy"],
    ["SyntheticLeakAlarm", "SyntheticLeakSucceeded"],
    ["AuditAnchoredAlarm", "AuditAnchored"],
  ])("%s counts silence as a breach", (id, MetricName) => {
    const Dimensions = [{ Name: "Environment", Value: "production" }];
    expect(properties(id)).toMatchObject({
      Namespace: "Rekey",
      MetricName,
      Dimensions,
      TreatMissingData: "breaching",
    });
  });

  test("the dashboard is one JSON document that names every function", () => {
    const { DashboardBody } = properties("Dashboard") as {
      readonly DashboardBody?: { readonly "Fn::Sub": string };
    };
    const { widgets } = JSON.parse(DashboardBody?.["Fn::Sub"] ?? "") as {
      readonly widgets: readonly object[];
    };
    expect(widgets.length).toBeGreaterThanOrEqual(6);
    for (const name of names) expect(JSON.stringify(widgets)).toContain(`rekey-production-${name}`);
  });

  test("logs end, but not before 180 days, and the bucket's own lock is no shorter", () => {
    const days = ofType(template, "AWS::Logs::LogGroup").map(
      ([, { Properties }]) => Properties["RetentionInDays"],
    );
    expect(days.length).toBeGreaterThan(names.length);
    expect(Math.min(...days.map(Number))).toBeGreaterThanOrEqual(180);
    const { ObjectLockConfiguration: lock } = properties("AuditBucket") as {
      readonly ObjectLockConfiguration?: {
        readonly Rule: { readonly DefaultRetention: { readonly Days: number } };
      };
    };
    expect(lock?.Rule.DefaultRetention.Days).toBeGreaterThanOrEqual(180);
  });
});
