declare module "dynalite" {
  import type { Server } from "node:http";

  /** DynamoDB in this process and in memory, behind a server that need not listen. */
  function dynalite(options?: { createTableMs?: number; deleteTableMs?: number }): Server;
  export = dynalite;
}
