import { randomUUID } from "node:crypto";
import type { DescribedStack } from "../stack/stacks.ts";
import { AwsError, type Caller, type HttpRequest, type HttpResponse, type HttpService } from "./service.ts";
import { type XmlChildren, xmlDocument } from "./xml.ts";

/** Answers one action with the children of its result. */
export type Action = (form: URLSearchParams, caller: Caller) => XmlChildren;

const version = "2010-05-15";
const namespace = `http://cloudformation.amazonaws.com/doc/${version}/`;

interface CloudFormationOptions {
  stacks(): readonly DescribedStack[];
  /** What else may be asked; without it stacks can only be looked at. */
  readonly actions?: Readonly<Record<string, Action>>;
}

/** CloudFormation on loopback: the query protocol in front of this cloud's stacks. */
export function cloudFormation({ stacks, actions = {} }: CloudFormationOptions): HttpService {
  const served: Readonly<Record<string, Action>> = {
    DescribeStacks: (form) => ({ Stacks: { member: shown(form.get("StackName"), stacks()) } }),
    ...actions,
  };
  return {
    name: "cloudformation",
    matches: ({ signingService }) => signingService === "cloudformation",
    operation: (request) => formOf(request).get("Action") ?? "?",
    refusal: failure,
    async handle(request) {
      const form = formOf(request);
      const name = form.get("Action") ?? "";
      try {
        const action = Object.hasOwn(served, name) ? served[name] : undefined;
        if (action === undefined || form.get("Version") !== version)
          throw new AwsError("InvalidAction", `${name} does not work here`);
        return success(name, action(form, request.caller));
      } catch (error) {
        if (error instanceof AwsError) return failure(error);
        throw error;
      }
    },
  };
}

/** By name or id; without one, every stack. A deleted one is shown only to those who know its id. */
function shown(asked: string | null, stacks: readonly DescribedStack[]): readonly XmlChildren[] {
  const found = stacks.filter(({ id, name, status }) => {
    if (asked === id) return true;
    return status !== "DELETE_COMPLETE" && (asked === null || asked === name);
  });
  if (found.length === 0 && asked !== null)
    throw new AwsError("ValidationError", `Stack with id ${asked} does not exist`);
  return found.map(stackMember);
}

function stackMember(stack: DescribedStack): XmlChildren {
  const { id, name, status, reason, createdAtMs, updatedAtMs, parameters, outputs, capabilities, tags } =
    stack;
  return {
    ...{ StackId: id, StackName: name, StackStatus: status, StackStatusReason: reason },
    CreationTime: new Date(createdAtMs).toISOString(),
    LastUpdatedTime: updatedAtMs === undefined ? undefined : new Date(updatedAtMs).toISOString(),
    Parameters: pairs(parameters, { key: "ParameterKey", value: "ParameterValue" }),
    Outputs: pairs(outputs, { key: "OutputKey", value: "OutputValue" }),
    Capabilities: { member: capabilities },
    Tags: pairs(tags, { key: "Key", value: "Value" }),
  };
}

function pairs(
  given: Readonly<Record<string, string>> = {},
  { key, value }: { readonly key: string; readonly value: string },
): XmlChildren {
  return { member: Object.entries(given).map(([name, text]) => ({ [key]: name, [value]: text })) };
}

function formOf({ body }: HttpRequest): URLSearchParams {
  return new URLSearchParams(body.toString());
}

function success(name: string, result: XmlChildren): HttpResponse {
  const children = { [`${name}Result`]: result, ResponseMetadata: { RequestId: randomUUID() } };
  const body = xmlDocument(`${name}Response`, children, { namespace });
  return { status: 200, headers: { "content-type": "text/xml" }, body };
}

function failure({ code, message, status }: AwsError): HttpResponse {
  const body = xmlDocument("ErrorResponse", {
    Error: { Type: "Sender", Code: code, Message: message },
    RequestId: randomUUID(),
  });
  return { status, headers: { "content-type": "text/xml" }, body };
}
