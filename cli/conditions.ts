import { matches } from "./globs.ts";
import { asText } from "./template.ts";

/** A policy statement's conditions: by operator, by key, the values. */
export type Condition = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface Asked {
  readonly key: string;
  /** As it is written: tags know upper and lower case. */
  readonly tag: string;
  readonly values: readonly string[];
  /** True where the values are those that the key must not have. */
  readonly isNot: boolean;
}

/** What bounds an Allow, in words that follow "only": "through secretsmanager, where the resource is tagged rekey=rotated". */
export function boundOf(condition: Condition): string | undefined {
  const words = askedIn(condition).map(saidOf);
  return words.length === 0 ? undefined : words.join(", ");
}

/** What a Deny leaves: its conditions hold together, so that one of them need not. */
export function leftBy(condition: Condition): string | undefined {
  const words = askedIn(condition).map((asked) => saidOf({ ...asked, isNot: !asked.isNot }));
  return words.length === 0 ? undefined : words.join(" or ");
}

/** True if the grant is for calls by other services, such as a log store, and never for those by this one. */
export function isForOtherServices(condition: Condition, service: string): boolean {
  const via = askedIn(condition).filter(({ key, isNot }) => key === "kms:viaservice" && !isNot);
  return via.some(({ values }) => !values.some((value) => matches(service, serviceIn(value))));
}

function askedIn(condition: Condition): readonly Asked[] {
  return Object.entries(condition).flatMap(([operator, keys]) =>
    // Whether a key is there at all is said beside what it has to be.
    /^null$/i.test(operator)
      ? []
      : Object.entries(keys).map(([key, values]) => ({
          key: key.toLowerCase(),
          tag: key.split("/")[1] ?? "",
          values: [values]
            .flat()
            .map((value) => (typeof value === "boolean" ? String(value) : asText(value))),
          isNot: /not/i.test(operator),
        })),
  );
}

function saidOf({ key, tag, values, isNot }: Asked): string {
  const not = isNot ? "not " : "";
  const [name = ""] = key.split("/");
  if (name.endsWith(":resourcetag")) return `where the resource is ${not}tagged ${tag}=${listed(values)}`;
  if (name === "aws:principaltag") return `for callers ${not}tagged ${tag}=${listed(values)}`;
  const isTrue = values.includes("true") !== isNot;
  switch (key) {
    case "dynamodb:leadingkeys":
      return `${not}items of ${listed(values.map((value) => value.replace(/#?\*$/, "")))}`;
    case "kms:viaservice":
      return `${not}through ${listed(values.map(serviceIn))}`;
    case "lambda:invokedviafunctionurl":
      return isTrue ? "through the function's URL" : "without the function's URL";
    case "lambda:functionurlauthtype":
      return "with a signed request";
    case "aws:securetransport":
      return isTrue ? "over TLS" : "without TLS";
    default:
      return `where ${key} is ${not}${listed(values)}`;
  }
}

const listedMax = 4;

function listed(values: readonly string[]): string {
  const rest = values.length - listedMax;
  const shown = rest > 0 ? [...values.slice(0, listedMax), `${rest} more`] : values;
  return shown.length < 3 ? shown.join(" or ") : `${shown.slice(0, -1).join(", ")} or ${shown.at(-1)}`;
}

/** "secretsmanager" of "secretsmanager.eu-west-1.amazonaws.com". */
function serviceIn(host: string): string {
  return host.split(".")[0] ?? host;
}
