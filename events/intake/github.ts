/**
 * GitHub secret scanning. The webhook only refers to an alert; the key itself is read with `fetchUrl` and
 * fingerprinted in memory. Fields as in @octokit/openapi-webhooks-types 12.2 (2026-08).
 */
import * as z from "zod";
import { InputInvalid } from "../../core/errors.ts";
import type { Alert, AlertOutcome, IgnoredReason } from "../alert.ts";
import { jsonIn, optionalFlag, optionalText, shaped, textOf } from "./edge/bounded-json.ts";
import { cleanOutcome } from "./edge/clean-outcome.ts";
import { type FindKeys, KnownPlaintexts } from "./edge/known-plaintexts.ts";
import { hmacHex, isSameHex, refusal, sha256Hex, sha256HexIn, whyNotCheckable } from "./edge/signature.ts";
import { type Headers, headerOf, type IntakeSource, type RawRequest, type Trust } from "./edge/source.ts";
import { isoTimeMs } from "./edge/time.ts";

/** Lambda accepts no larger request. Real alerts have some 20 KB. */
const bytesMax = 6 * 1024 * 1024;
const signatureHeader = "X-Hub-Signature-256";
const deliveryHeader = "X-GitHub-Delivery";

const AlertFields = z.object({
  number: z.int().positive(),
  secret_type: optionalText,
  provider_slug: optionalText,
  validity: optionalText,
  publicly_leaked: optionalFlag,
  resolution: optionalText,
  state: optionalText,
  created_at: optionalText,
  url: optionalText,
  html_url: optionalText,
});
type AlertFields = z.output<typeof AlertFields>;

const Webhook = z.object({
  action: z.string(),
  alert: AlertFields,
  repository: z.object({ full_name: z.string(), private: optionalFlag }),
  location: z
    .object({
      type: optionalText,
      details: z.record(z.string(), z.unknown()).catch({}),
    })
    .optional()
    .catch(undefined),
});
type Webhook = z.output<typeof Webhook>;

const FetchedAlert = AlertFields.extend({ secret: optionalText, is_base64_encoded: optionalFlag });

export const github: IntakeSource = {
  name: "github",
  signsTime: false,

  /**
   * GitHub does not sign the time, so there is no tolerance to check: replays are recognised by `replayKeys`
   * alone.
   */
  verify(request: RawRequest, trust: Trust) {
    const uncheckable = whyNotCheckable(request, { ...trust, bytesMax });
    if (uncheckable) return uncheckable;

    const header = headerOf(request.headers, signatureHeader);
    if (header === undefined) return refusal("HeaderMissing", signatureHeader);
    if (headerOf(request.headers, deliveryHeader) === undefined)
      return refusal("HeaderMissing", deliveryHeader);
    const given = sha256HexIn(header);
    if (given === undefined) return refusal("SignatureMalformed", "not sha256=<64 hex digits>");

    const expected = hmacHex(trust.secret.reveal(), [request.body]);
    return isSameHex(expected, given) ? undefined : refusal("SignatureWrong", signatureHeader);
  },

  /**
   * The signature does not cover the GUID, so somebody who captured a delivery could change it. So the body
   * counts too.
   */
  replayKeys({ headers, body }: RawRequest) {
    const guid = (headerOf(headers, deliveryHeader) ?? "").slice(0, 64).toLowerCase();
    return [`github:delivery:${guid}`, `github:body:${sha256Hex(body)}`];
  },

  parse(body: Uint8Array, headers: Headers, findKeys?: FindKeys): AlertOutcome {
    const event = headerOf(headers, "X-GitHub-Event");
    if (event === "ping") return ignored("test", "ping");
    if (event === "secret_scanning_alert")
      return cleanOutcome(alertOutcome(webhookIn(body)), new KnownPlaintexts(findKeys));
    if (event === "secret_scanning_alert_location") {
      const webhook = webhookIn(body);
      const append = [{ ...alertOf(webhook), where: placesOf(webhook) }];
      return cleanOutcome({ start: [], append, ignored: [] }, new KnownPlaintexts(findKeys));
    }
    return ignored("unknownEvent", "unknown");
  },

  /**
   * The address is built here and must equal the one in the alert: text from outside never decides where a
   * token is sent.
   */
  fetchUrl(body: Uint8Array, { apiBases }: { readonly apiBases: readonly string[] }) {
    const { alert, repository } = webhookIn(body);
    if (!isRepository(repository.full_name)) return undefined;
    const path = `/repos/${repository.full_name}/secret-scanning/alerts/${alert.number}`;
    return apiBases
      .filter((base) => base.startsWith("https://"))
      .find((base) => base + path === alert.url)
      ?.concat(path);
  },

  parseFetched(alert: Alert, body: Uint8Array, findKeys?: FindKeys): AlertOutcome {
    const value = jsonIn(textOf(body, { bytesMax }), "GitHub's alert");
    const fetched = shaped(FetchedAlert, { value, what: "GitHub's alert" });
    if (!alert.sourceId.endsWith(`#${fetched.number}`))
      throw new InputInvalid("GitHub answered with another alert");
    if (isResolved(fetched)) return ignored("resolved", alert.sourceId);

    const plaintexts = new KnownPlaintexts(findKeys);
    const values = plaintexts.learn(secretIn(fetched));
    const exact: Alert =
      values.length === 0 ? alert : { ...alert, identity: { kind: "fingerprint", values } };
    const start = [fetched.validity === undefined ? exact : { ...exact, verified: verifiedOf(fetched) }];
    return cleanOutcome({ start, append: [], ignored: [] }, plaintexts);
  },
};

/** GitHub's own API. A GitHub Enterprise Server has `https://HOST/api/v3`. */
export const githubApiBases: readonly string[] = ["https://api.github.com"];

function webhookIn(body: Uint8Array): Webhook {
  const value = jsonIn(textOf(body, { bytesMax }), "GitHub's event");
  return shaped(Webhook, { value, what: "GitHub's event" });
}

function alertOutcome(webhook: Webhook): AlertOutcome {
  const alert = alertOf(webhook);
  if (webhook.action === "resolved" || isResolved(webhook.alert)) return ignored("resolved", alert.sourceId);

  switch (webhook.action) {
    case "created":
    case "reopened":
      return alert.verified === "dead" && alert.exposure !== "public"
        ? ignored("inactive", alert.sourceId)
        : starting(alert);
    // Opens an incident even if GitHub calls the key inactive: Rekey has to prove that itself.
    case "publicly_leaked":
      return starting(alert);
    case "validated":
      if (alert.verified === "live") return starting(alert);
      if (alert.verified === "dead") return ignored("inactive", alert.sourceId);
      return { start: [], append: [alert], ignored: [] };
    default:
      return ignored("unknownEvent", alert.sourceId);
  }
}

function alertOf({ action, alert, repository }: Webhook): Alert {
  const url = alert.html_url ?? `${repository.full_name}#${alert.number}`;
  const detectedAtMs = isoTimeMs(alert.created_at);
  const provider = alert.provider_slug ?? alert.secret_type;
  const isPublic =
    action === "publicly_leaked" || alert.publicly_leaked === true || repository.private === false;
  const elsewhere = repository.private === true ? "private" : "unknown";
  return {
    schema: 1,
    source: "github",
    sourceId: `${repository.full_name}#${alert.number}`,
    identity: { kind: "location", url },
    exposure: isPublic ? "public" : elsewhere,
    verified: verifiedOf(alert),
    where: [url],
    ...(detectedAtMs === undefined ? {} : { detectedAtMs }),
    ...(provider === undefined ? {} : { provider }),
  };
}

/** `location.details` differs by kind: a commit has a path and line, an issue or comment only its address. */
function placesOf({ location }: Webhook): readonly string[] {
  const { path, start_line: line, commit_sha: commit, ...rest } = location?.details ?? {};
  const file =
    typeof path === "string" ? [`${path}:${Number(line) || 1} ${String(commit ?? "").slice(0, 64)}`] : [];
  const addresses = Object.entries(rest).filter(([name]) => name.endsWith("_url"));
  return [
    ...file,
    ...addresses.slice(0, 4).map(([, address]) => (typeof address === "string" ? address : "")),
  ];
}

function verifiedOf({ validity }: AlertFields): Alert["verified"] {
  if (validity === "active") return "live";
  return validity === "inactive" ? "dead" : "unknown";
}

function isResolved({ resolution, state }: AlertFields): boolean {
  return resolution !== undefined || state === "resolved";
}

function secretIn(fetched: z.output<typeof FetchedAlert>): string {
  const { secret = "", is_base64_encoded: isEncoded = false } = fetched;
  return isEncoded ? Buffer.from(secret, "base64").toString("utf8") : secret;
}

function isRepository(fullName: string): boolean {
  const [owner = "", name = "", ...rest] = fullName.split("/");
  const isSegment = (segment: string) => /^[A-Za-z0-9._-]{1,100}$/.test(segment) && !/^\.+$/.test(segment);
  return rest.length === 0 && isSegment(owner) && isSegment(name);
}

function starting(alert: Alert): AlertOutcome {
  return { start: [alert], append: [], ignored: [] };
}

function ignored(reason: IgnoredReason, sourceId: string): AlertOutcome {
  return { start: [], append: [], ignored: [{ reason, sourceId }] };
}
