import { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import { awsBounds } from "../../../aws/bounds.ts";
import { cloudTrailScoper } from "../../adapters/scope/scope.ts";
import type { Part } from "../base.ts";

/** Who read what, and what a key did. */
export const scoper: Part<"scoper"> = (base) => cloudTrailScoper(new CloudTrailClient(awsBounds), base);
