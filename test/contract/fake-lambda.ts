import {
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  type LambdaClient,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import type { LambdaClients } from "../../consumers/lambda.ts";
import { named } from "./fake-ecs.ts";

interface Configuration {
  Description: string;
  LastModified: string;
  LastUpdateStatus: "InProgress" | "Successful" | "Failed";
  LastUpdateStatusReasonCode?: string;
  Environment?: { Variables: Record<string, string> };
  RevisionId: string;
}

/** One function, its published versions, and one alias. */
export class FakeLambda {
  readonly arn = "arn:aws:lambda:eu-west-1:111122223333:function:batch";
  readonly calls: string[] = [];
  readonly latest: Configuration = {
    Description: "",
    LastModified: "t0",
    LastUpdateStatus: "Successful",
    RevisionId: "r0",
  };
  /** What the alias `live` points to, and where else it sends requests. */
  live = 7;
  weights: Record<string, number> = {};
  /** Somebody else changes the function just before the next updates. */
  races = 0;
  conflicts = 0;
  lostReplies = 0;
  #changes = 0;

  /** Any change of code or configuration. */
  change(fields: Partial<Configuration> = {}): void {
    this.#changes += 1;
    Object.assign(
      this.latest,
      { LastModified: `t${this.#changes}`, RevisionId: `r${this.#changes}` },
      fields,
    );
  }

  readonly clients: LambdaClients = () =>
    ({ send: (command: unknown) => this.#send(command) }) as unknown as Pick<LambdaClient, "send">;

  async #send(command: unknown): Promise<unknown> {
    this.calls.push((command as object).constructor.name.replace(/Command$/, ""));
    const { FunctionName } = (command as { input: { FunctionName?: string } }).input;
    if (FunctionName !== "batch" && FunctionName !== this.arn) throw named("ResourceNotFoundException");
    if (command instanceof GetFunctionConfigurationCommand)
      return this.#configuration(command.input.Qualifier);
    if (command instanceof GetAliasCommand)
      return { RoutingConfig: { AdditionalVersionWeights: this.weights } };
    if (command instanceof UpdateFunctionConfigurationCommand) return this.#update(command);
    throw new Error("the fake does not know this call");
  }

  #configuration(qualifier: string | undefined): unknown {
    const Version = qualifier === "live" ? String(this.live) : (qualifier ?? "$LATEST");
    const published = { LastModified: `published ${Version}`, LastUpdateStatus: "Successful" };
    return { ...this.latest, Version, ...(Version !== "$LATEST" && published) };
  }

  #update({ input }: UpdateFunctionConfigurationCommand): unknown {
    if (input.Environment !== undefined) throw new Error("the environment holds other people's secrets");
    if (this.conflicts-- > 0) throw named("ResourceConflictException");
    if (this.races-- > 0) this.change();
    if (input.RevisionId !== this.latest.RevisionId) throw named("PreconditionFailedException");
    this.change({ Description: input.Description ?? "", LastUpdateStatus: "InProgress" });
    if (this.lostReplies-- > 0) throw named("TimeoutError");
    return {};
  }
}
