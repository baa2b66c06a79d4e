import type { Action } from "../aws/cloudformation.ts";
import type { Caller } from "../aws/service.ts";
import type { XmlChildren } from "../aws/xml.ts";
import { ChangeSets } from "./change-sets.ts";
import type { Stacks, Wanted } from "./stacks.ts";
import { invalid } from "./template.ts";

/** Reads an object of the S3 stand-in. */
type Read = (bucket: string, key: string) => Buffer;

const inlineBytesMax = 51_200;
const templateBytesMax = 1_048_576;
const membersMax = 200;

/** What CloudFormation is asked by `aws cloudformation deploy`, by the packager, and by Terraform. */
export function stackActions(stacks: Stacks, read: Read): Readonly<Record<string, Action>> {
  const changeSets = new ChangeSets(stacks);
  return {
    CreateStack: (form, by) => ({
      StackId: stacks.create(required(form, "StackName"), wantedIn(form, { read, by })).id,
    }),
    UpdateStack: (form, by) => ({
      StackId: stacks.update(required(form, "StackName"), wantedIn(form, { read, by })).id,
    }),
    DeleteStack(form, by) {
      stacks.delete(required(form, "StackName"), by);
      return {};
    },
    DescribeStackEvents: (form) => eventsOf(stacks, required(form, "StackName")),
    GetTemplate: (form) => ({ TemplateBody: stacks.template(required(form, "StackName")) }),
    CreateChangeSet: (form, by) =>
      changeSets.create({
        name: required(form, "ChangeSetName"),
        stackName: required(form, "StackName"),
        type: form.get("ChangeSetType") ?? "UPDATE",
        wanted: wantedIn(form, { read, by }),
      }),
    DescribeChangeSet: (form) => changeSets.describe(namesIn(form)),
    ExecuteChangeSet(form, by) {
      changeSets.execute(namesIn(form), by);
      return {};
    },
    DeleteChangeSet(form) {
      changeSets.delete(namesIn(form));
      return {};
    },
  };
}

function namesIn(form: URLSearchParams) {
  return { name: required(form, "ChangeSetName"), stackName: form.get("StackName") ?? undefined };
}

function eventsOf(stacks: Stacks, nameOrId: string): XmlChildren {
  const { id, name } = stacks.described(nameOrId);
  const member = stacks.events(nameOrId).map((event) => ({
    ...{ StackId: id, StackName: name, EventId: event.eventId },
    ...{ LogicalResourceId: event.logicalId, PhysicalResourceId: event.physicalId, ResourceType: event.type },
    Timestamp: new Date(event.atMs).toISOString(),
    ...{ ResourceStatus: event.status, ResourceStatusReason: event.reason },
  }));
  return { StackEvents: { member } };
}

function wantedIn(form: URLSearchParams, { read, by }: { readonly read: Read; readonly by: Caller }): Wanted {
  for (const name of ["RoleARN", "StackPolicyBody", "RollbackConfiguration.MonitoringTimeInMinutes"]) {
    if (form.has(name)) throw invalid(`the local cloud does not know ${name}`);
  }
  return {
    by,
    template: templateIn(form, read),
    parameters: new Map(
      membersIn(form, "Parameters").map(({ ParameterKey = "", ParameterValue, UsePreviousValue }) => [
        ParameterKey,
        UsePreviousValue === "true" ? undefined : (ParameterValue ?? ""),
      ]),
    ),
    capabilities: membersIn(form, "Capabilities").map(({ "": capability = "" }) => capability),
    tags: Object.fromEntries(membersIn(form, "Tags").map(({ Key = "", Value = "" }) => [Key, Value])),
  };
}

/** The text itself up to 51,200 bytes; else where it lies in S3. Undefined for the one that the stack has. */
function templateIn(form: URLSearchParams, read: Read): string | undefined {
  const body = form.get("TemplateBody");
  const address = form.get("TemplateURL");
  if (body !== null && address !== null)
    throw invalid("You must specify either a Template URL or a Template Body, but not both.");
  if (body !== null && Buffer.byteLength(body) > inlineBytesMax)
    throw invalid(`1 validation error detected: templateBody has at most ${inlineBytesMax} bytes`);
  if (address === null) return body ?? undefined;
  const bytes = read(...objectAt(address));
  if (bytes.length > templateBytesMax)
    throw invalid(`Template may not exceed ${templateBytesMax} bytes in size.`);
  return bytes.toString();
}

/** `https://bucket.s3.<region>.amazonaws.com/key`, or the bucket as the first part of the path. */
function objectAt(address: string): readonly [bucket: string, key: string] {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined)
    throw invalid("TemplateURL must reference a valid S3 object to which you have access.");
  const path = decodeURIComponent(url.pathname.slice(1));
  const [, own] = /^(.+)\.s3[.-]/.exec(url.hostname) ?? [];
  if (own !== undefined) return [own, path];
  return [path.slice(0, path.indexOf("/")), path.slice(path.indexOf("/") + 1)];
}

/** `Tags.member.1.Key=…`; a list of plain values has them under "". */
function membersIn(form: URLSearchParams, list: string): readonly Readonly<Record<string, string>>[] {
  const found: Record<string, string>[] = [];
  for (const [name, value] of form) {
    const [, index = "", member = ""] = new RegExp(`^${list}\\.member\\.(\\d+)\\.?(\\w*)$`).exec(name) ?? [];
    if (index === "") continue;
    if (Number(index) > membersMax) throw invalid(`${list} has at most ${membersMax} members`);
    found[Number(index)] = { ...found[Number(index)], [member]: value };
  }
  return found.filter((each) => each !== undefined);
}

function required(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (value) return value;
  throw invalid(
    `1 validation error detected: Value null at '${name}' failed to satisfy constraint: must not be null`,
  );
}
