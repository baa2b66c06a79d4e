import * as z from "zod";
import { predicateType } from "../core/certificate/statement.ts";

const At = z.iso.datetime().describe("RFC 3339 in UTC");
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Claim = z
  .enum(["observed", "reported", "attested"])
  .describe("seen by Rekey or a platform that it asked; said by a program about itself; stated by a person");
const Count = z.int().nonnegative();

const Key = z.object({
  keyId: z.string().optional(),
  fingerprint: z.string().optional(),
  versionId: z.string().optional(),
});
const Order = z.object({
  action: z.string(),
  by: z.string().describe("the AWS principal that called"),
  at: At,
  claim: Claim,
  detail: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  entry: z.object({ seq: z.int(), sha256: Sha256 }),
});
const Audit = z.object({
  chain: z.string(),
  head: z.object({ seq: Count, sha256: Sha256 }),
  verified: z.literal(true).describe("the whole chain was recomputed just before this was signed"),
  entries: z.array(z.object({ seq: z.int(), sha256: Sha256, action: z.string(), at: At })),
  entriesOmitted: Count,
});
const Everything = {
  deployment: z.string(),
  orders: z.array(Order).describe("attestations, holds, approvals and other orders of people, by whom"),
  audit: z.array(Audit),
  notChecked: z.array(z.string()).describe("what this certificate does not say"),
  certifiedAt: At,
};

const Row = z.object({
  source: z.string(),
  claim: Claim,
  consumer: z.string(),
  environment: z.string(),
  account: z.string(),
  declared: z.boolean(),
  instance: z.string().optional(),
  principal: z.string().optional(),
  holds: Key,
  state: z.string().optional(),
  copy: z
    .object({
      destination: z.string(),
      kind: z.string(),
      name: z.string(),
      activation: z.string(),
      proof: z.string().describe("how the place shows what it holds"),
      mark: z.string().optional().describe("the place's own word for it: a version, a digest or a time"),
    })
    .optional(),
  lastSuccessWithIncoming: At.optional(),
  lastUseOfRetiring: At.optional(),
  receivedAt: At,
});
const Use = z.object({
  keyId: z.string(),
  seenAt: At.describe("the Date header of the reply with these figures"),
  lastUsedAt: At.optional(),
  requests: z.number().optional(),
});
const Controls = z
  .object({
    neverIssued: z.string().describe("a made-up key of the same form"),
    accepted: z
      .object({ keyId: z.string(), answer: z.string() })
      .optional()
      .describe("a key that consumers have now; absent if there was none"),
  })
  .describe("what the same call said within the same minute of two other keys");
const Copy = z.object({
  claim: Claim,
  destination: z.string(),
  name: z.string(),
  holds: z.enum(["incoming", "another", "unknown"]).describe("which version Rekey wrote there last"),
  versionId: z.string().optional(),
  mark: z.string().optional().describe("the place's own word for it: a version, a digest or a time"),
  seenAt: At.optional().describe("when a later look found the mark there"),
  refused: z.string().optional().describe("why the last try to write it was refused"),
  astray: z.string().optional().describe("what the last sweep found wrong with it"),
});
const Worth = z.union([Claim, z.literal("nothing")]);

const Secret = z.object({ arn: z.string(), name: z.string(), environment: z.string() });
const Run = z.object({
  rotationId: z.string(),
  executionArn: z.string(),
  trigger: z.string(),
  openedAt: At,
  requestedBy: z.string().optional(),
  continues: z
    .string()
    .optional()
    .describe("the run that promoted the incoming key, if it was an earlier one"),
});
const PolicyDigest = z.object({
  sha256: Sha256.describe("of the policy in canonical JSON, as the run used it"),
});
const Steps = z.array(z.object({ step: z.string(), at: At }));

const Rotation = z.object({
  kind: z.literal("rotation"),
  ending: z.literal("rotated"),
  ...Everything,
  secret: Secret,
  run: Run,
  policy: PolicyDigest,
  keys: z.object({ retiring: Key, incoming: Key.optional() }),
  steps: Steps,
  incomingProof: z.object({ claim: Claim, at: At, answer: z.literal("valid"), how: z.string() }).optional(),
  promotion: z.object({ claim: Claim, at: At, versionId: z.string(), keyId: z.string() }).optional(),
  adoption: z
    .object({
      worth: Worth.describe("that of the weakest row"),
      consumers: z.array(
        z.object({
          name: z.string(),
          environment: z.string(),
          account: z.string(),
          needs: z.array(z.string()),
          worth: Worth,
          rows: Count,
        }),
      ),
      rows: z.array(Row).describe("the evidence with which the gate opened"),
      rowsOmitted: Count,
    })
    .optional(),
  provider: z
    .object({
      claim: Claim,
      at: At,
      clock: z.string(),
      lagMs: z.number().optional(),
      retiring: Use.optional(),
      incoming: Use.optional(),
    })
    .optional(),
  quietWindow: z
    .object({ from: At, until: At, neededMs: z.number(), signals: z.array(z.string()) })
    .optional(),
  gate: z
    .object({
      openedAt: At,
      asked: z.array(z.object({ reason: z.string(), stands: z.literal(false) })),
    })
    .optional(),
  revoke: z.object({ claim: Claim, recordedAt: At.optional(), acceptedAt: At }),
  death: z.object({
    claim: Claim,
    how: z.enum(["refused", "listing"]),
    deadAt: At,
    refusalsInARow: Count,
    controls: Controls.optional(),
    probes: z.array(z.object({ at: At, answer: z.string(), controls: Controls.optional() })),
  }),
});

const Left = z.object({
  claim: Claim,
  role: z.enum(["retiring", "incoming"]),
  name: z.string().describe("its name at the provider"),
  ...Key.shape,
  state: z
    .string()
    .describe("as the run left it: current, retiring, retained, revoking, revoked, discarded, stray, ..."),
});

const WithoutDeath = z.object({
  kind: z
    .literal("rotationWithoutDeath")
    .describe("a rotation that ended while its retiring key was not known to be dead"),
  ending: z.enum(["rolledBack", "needsHuman", "retained"]),
  ...Everything,
  endedAt: At,
  reason: z.string(),
  aborted: z.object({ claim: Claim, by: z.string(), at: At, reason: z.string() }).optional(),
  secret: Secret,
  run: Run,
  policy: PolicyDigest,
  steps: Steps,
  keys: z.array(Left),
  owed: z
    .array(z.object({ claim: Claim, kind: z.string(), keyId: z.string() }))
    .describe("work that the run left to a later one, or to the sweep"),
  gate: z
    .object({ verdict: z.string(), askedAt: At, inTheWay: z.array(z.string()) })
    .optional()
    .describe("the last answer to whether the retiring key may be revoked, and every reason that stood"),
  copies: z.array(Copy),
});

const Incident = z.object({
  kind: z.literal("incident"),
  ending: z.enum(["contained", "containedByListing", "waived", "falseAlarm"]),
  ...Everything,
  incident: z.object({
    incidentId: z.string(),
    executionArn: z.string().optional(),
    plan: z.string(),
    planWhy: z.string(),
    match: z.object({ by: z.string(), text: z.string() }),
    detectedAt: At,
    receivedAt: At,
    exposedAt: At.optional(),
    openedAt: At.optional(),
    deadlineAt: At,
    reports: z.array(
      z.object({
        claim: Claim,
        source: z.string(),
        sourceId: z.string(),
        by: z.string(),
        exposure: z.string(),
        verified: z.string(),
        receivedAt: At,
      }),
    ),
  }),
  keys: z.array(
    z.object({
      ...Key.shape,
      provider: z.string().optional(),
      account: z.string().optional(),
      standing: z.string(),
      role: z.string().optional(),
      state: z.string(),
      quarantinedAt: At.optional(),
      revoke: z.object({ claim: Claim, recordedAt: At.optional(), acceptedAt: At.optional() }),
      death: z
        .object({
          claim: Claim,
          how: z.string().optional(),
          deadAt: At,
          probes: Count,
          refusalsInARow: Count,
          firstRefusedAt: At.optional(),
          controls: Controls.optional(),
        })
        .optional(),
      waiver: z.object({ claim: Claim, by: z.string(), reason: z.string(), at: At }).optional(),
    }),
  ),
  secrets: z.array(
    z.object({
      arn: z.string(),
      name: z.string(),
      environment: z.string(),
      replacement: z.string(),
      rotationId: z.string().optional(),
      failure: z.string().optional(),
      behind: z.array(z.string()),
      incoming: Key,
      promotedAt: At.optional(),
      adoptedAt: At.optional(),
      copies: z.array(Copy).optional().describe("destinations that hold a copy of this secret's key"),
      moved: z.array(z.object({ claim: Claim, consumer: z.string(), at: At })),
    }),
  ),
  clocks: z.object({
    deadlineMs: z.number(),
    detectedToAcceptedMs: z.number().optional(),
    detectedToDeadMs: z.number().optional(),
  }),
  pages: z.array(
    z.object({
      claim: Claim,
      at: At,
      reason: z.string(),
      severity: z.string(),
      delivered: z.array(z.string()),
      failed: z.array(z.string()),
    }),
  ),
});

/** The signed content of a certificate. docs/certificate.schema.json is made of this. */
export const certificateStatement = z.object({
  _type: z.literal("https://in-toto.io/Statement/v1"),
  subject: z.array(z.object({ name: z.string(), digest: z.object({ sha256: Sha256 }) })).min(1),
  predicateType: z.literal(predicateType),
  predicate: z.discriminatedUnion("kind", [Rotation, WithoutDeath, Incident]),
});

export type CertificateStatement = Readonly<z.output<typeof certificateStatement>>;
