import { randomUUID } from "node:crypto";
import { AwsError, type HttpRequest, type HttpResponse, type HttpService } from "./service.ts";
import { xmlDocument } from "./xml.ts";

/** A stack as DescribeStacks shows it. */
export interface DescribedStack {
  readonly id: string;
  readonly name: string;
  /** "CREATE_COMPLETE", "UPDATE_COMPLETE", ... */
  readonly status: string;
  readonly createdAtMs: number;
  readonly outputs: Readonly<Record<string, string>>;
}

const version = "2010-05-15";
const namespace = `http://cloudformation.amazonaws.com/doc/${version}/`;

/** CloudFormation on loopback: says which stacks there are, and what they put out. */
export function cloudFormation(options: { stacks(): readonly DescribedStack[] }): HttpService {
  return {
    name: "cloudformation",
    matches: ({ signingService }) => signingService === "cloudformation",
    operation: (request) => formOf(request).get("Action") ?? "?",
    refusal: failure,
    async handle(request) {
      const form = formOf(request);
      try {
        if (form.get("Action") !== "DescribeStacks" || form.get("Version") !== version)
          throw new AwsError("InvalidAction", `${form.get("Action")} does not work here`);
        return described(form.get("StackName"), options.stacks());
      } catch (error) {
        if (error instanceof AwsError) return failure(error);
        throw error;
      }
    },
  };
}

/** By name or id; without one, every stack. */
function described(asked: string | null, stacks: readonly DescribedStack[]): HttpResponse {
  const found = stacks.filter(({ id, name }) => asked === null || asked === name || asked === id);
  if (found.length === 0 && asked !== null)
    throw new AwsError("ValidationError", `Stack with id ${asked} does not exist`);
  const member = found.map(({ id, name, status, createdAtMs, outputs }) => ({
    ...{ StackId: id, StackName: name, StackStatus: status },
    CreationTime: new Date(createdAtMs).toISOString(),
    Outputs: {
      member: Object.entries(outputs).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })),
    },
  }));
  const children = {
    DescribeStacksResult: { Stacks: { member } },
    ResponseMetadata: { RequestId: randomUUID() },
  };
  const body = xmlDocument("DescribeStacksResponse", children, { namespace });
  return { status: 200, headers: { "content-type": "text/xml" }, body };
}

function formOf({ body }: HttpRequest): URLSearchParams {
  return new URLSearchParams(body.toString());
}

function failure({ code, message, status }: AwsError): HttpResponse {
  const body = xmlDocument("ErrorResponse", {
    Error: { Type: "Sender", Code: code, Message: message },
    RequestId: randomUUID(),
  });
  return { status, headers: { "content-type": "text/xml" }, body };
}
