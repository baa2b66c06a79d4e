import { awsBounds } from "../aws/bounds.ts";

export type TagList = Readonly<Record<string, string>>;

/** The tags that the account says these have, as far as the caller may ask. */
export interface Tags {
  readonly of: ReadonlyMap<string, TagList>;
  /** What could not be looked at, and why. */
  readonly unseen: readonly string[];
}

/** Of one request. */
const arnsMax = 100;
const requestsMax = 10;

/**
 * The tags of resources in the account and Region of the admin function, which are all that one deployment can ask
 * about. `config` is added to what the SDK finds by itself.
 */
export async function readTags(arns: readonly string[], place: string, config = {}): Promise<Tags> {
  const near = arns.filter((arn) => placeOf(arn) === placeOf(place)).slice(0, arnsMax * requestsMax);
  const left = arns.length - near.length;
  const unseen = left > 0 ? [`${left} in other accounts or Regions, or beyond ${arnsMax * requestsMax}`] : [];
  if (near.length === 0) return { of: new Map(), unseen };
  try {
    return { of: await tagsOf(near, config), unseen };
  } catch (error) {
    const name = error instanceof Error ? error.name : String(error);
    return { of: new Map(), unseen: [...unseen, `${near.length} here (${name}: allow tag:GetResources)`] };
  }
}

const placeOf = (arn: string) => arn.split(":").slice(3, 5).join(":");

async function tagsOf(arns: readonly string[], config: object): Promise<Tags["of"]> {
  const { GetResourcesCommand, ResourceGroupsTaggingAPIClient } = await import(
    "@aws-sdk/client-resource-groups-tagging-api"
  );
  const client = new ResourceGroupsTaggingAPIClient({ ...awsBounds, ...config });
  // What never had a tag is not in the answer.
  const found = new Map<string, TagList>(arns.map((arn) => [arn, {}]));
  for (let from = 0; from < arns.length; from += arnsMax) {
    const ResourceARNList = arns.slice(from, from + arnsMax);
    const { ResourceTagMappingList = [] } = await client.send(new GetResourcesCommand({ ResourceARNList }));
    for (const { ResourceARN = "", Tags = [] } of ResourceTagMappingList)
      found.set(ResourceARN, Object.fromEntries(Tags.map(({ Key = "", Value = "" }) => [Key, Value])));
  }
  client.destroy();
  return found;
}
