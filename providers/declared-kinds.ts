import type { DeclaredKind } from "../events/policy-file.ts";
import { providers } from "./kinds.ts";

/** Every kind of provider as a policy file needs it: settings and capabilities, without a way to make a call. */
export const declaredKinds: Readonly<Record<string, DeclaredKind>> = providers;
