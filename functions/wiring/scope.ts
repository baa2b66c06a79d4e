import { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import { awsBounds } from "../core/aws-bounds.ts";
import { cloudTrailScoper } from "./adapters/scope.ts";
import type { Part } from "./wiring.ts";

/** Who read what, and what a key did. */
export const scopePart: Part = (base) => ({
  scoper: cloudTrailScoper(new CloudTrailClient(awsBounds), base),
});
