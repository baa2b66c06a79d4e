import { answer, type FakeReply, type FakeRequest } from "../fake.ts";

interface Stored {
  readonly value: string;
  readonly version: number;
  readonly type: string;
}

/** Parameters by name, as Systems Manager's JSON protocol reads and writes them. */
export class ParametersFake {
  readonly parameters = new Map<string, Stored>();
  /** No call is allowed. */
  isDenied = false;

  put(name: string, value: string, type = "SecureString"): number {
    const version = (this.parameters.get(name)?.version ?? 0) + 1;
    this.parameters.set(name, { value, version, type });
    return version;
  }

  handle({ headers, body }: FakeRequest): FakeReply {
    if (this.isDenied) return refusal("AccessDeniedException");
    switch (headers["x-amz-target"]) {
      case "AmazonSSM.GetParameter":
        return this.#get(body as Input);
      case "AmazonSSM.PutParameter":
        return this.#put(body as Input);
      default:
        return refusal("UnknownOperationException");
    }
  }

  #get({ Name = "" }: Input): FakeReply {
    const known = this.parameters.get(Name);
    if (known === undefined) return refusal("ParameterNotFound");
    const { value: Value, version: Version, type: Type } = known;
    return answer(200, { Parameter: { Name, Value, Version, Type } });
  }

  #put({ Name = "", Value = "", Type = "", Overwrite = false }: Input): FakeReply {
    const known = this.parameters.get(Name);
    if (known !== undefined && !Overwrite) return refusal("ParameterAlreadyExists");
    if (known !== undefined && known.type !== Type) return refusal("HierarchyTypeMismatchException");
    return answer(200, { Version: this.put(Name, Value, Type), Tier: "Standard" });
  }
}

interface Input {
  readonly Name?: string;
  readonly Value?: string;
  readonly Type?: string;
  readonly Overwrite?: boolean;
}

function refusal(code: string): FakeReply {
  return answer(400, { __type: `com.amazonaws.ssm#${code}`, message: "FAKE" });
}
