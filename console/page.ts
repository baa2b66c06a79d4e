import type { Page } from "./build.ts";

/**
 * In a checkout the page is built when it is wanted, so it is never older than its sources. The command line's bundle
 * has the built page in place of this file.
 */
export async function loadPage(): Promise<Page> {
  const { buildPage } = await import("./build.ts");
  return buildPage();
}
