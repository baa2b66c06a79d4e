import type { AdminDeps } from "../../deps.ts";

/** What the second person is shown, in the names that people see. */
export type What = Readonly<Record<string, string>>;

/** The command's fields, as its own schema has checked them. */
export type Given = Readonly<Record<string, unknown>>;

/** What the order would do; undefined if this one does no lasting harm, or if the command refuses it anyway. */
export type Lasting = (given: Given, deps: AdminDeps) => Promise<What | undefined>;
