import { Input } from "./input.ts";
import type { SecretsManager } from "./secrets-manager.ts";
import { AwsError, type JsonService } from "./service.ts";

const arnsMax = 100;

/** The Resource Groups Tagging API's GetResources, of the secrets that are in this cloud. */
export function tagging({ known }: Pick<SecretsManager, "known">): JsonService {
  return {
    target: "ResourceGroupsTaggingAPI_20170126",
    async call(operation, given) {
      if (operation !== "GetResources")
        throw new AwsError("UnknownOperationException", `The operation ${operation} is not served here.`);
      const arns = new Input(given).texts("ResourceARNList");
      if (arns.length > arnsMax)
        throw new AwsError("InvalidParameterException", `ResourceARNList has at most ${arnsMax} members`);
      return {
        PaginationToken: "",
        ResourceTagMappingList: arns.flatMap((ResourceARN) => {
          const tags = known(ResourceARN)?.tags;
          if (tags === undefined) return [];
          return [{ ResourceARN, Tags: [...tags].map(([Key, Value]) => ({ Key, Value })) }];
        }),
      };
    },
  };
}
