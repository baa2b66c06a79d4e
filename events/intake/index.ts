/** Every alert source, one line each. */
import type { IntakeSource } from "./edge/source.ts";
import { gitguardian } from "./gitguardian.ts";
import { github } from "./github.ts";
import { gitleaks } from "./gitleaks.ts";
import { report } from "./report.ts";
import { trufflehog } from "./trufflehog.ts";

export const intakeSources: ReadonlyMap<string, IntakeSource> = new Map([
  ["github", github],
  ["gitguardian", gitguardian],
  ["trufflehog", trufflehog],
  ["gitleaks", gitleaks],
  ["report", report],
]);
