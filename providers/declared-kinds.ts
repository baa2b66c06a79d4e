import type { DeclaredKind } from "../events/policy-file.ts";
import { providers } from "./index.ts";

/** Every kind of issuer as a policy file sees it: settings and capabilities, with no way to make a call. */
export const declaredKinds: Readonly<Record<string, DeclaredKind>> = providers;
