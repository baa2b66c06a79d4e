import type { AwsCredentials } from "../aws/signed-identity.ts";
import type { SecretArn, SecretStore, StoreCapabilities, VersionId, VersionPlace } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import type { IdentityQuestion } from "./azure-key-vault/web-identity.ts";

/** What a person types to do by hand what Rekey may not do alone. Each reads a value from a pipe, never an argument. */
export interface StoreCommands {
  /** Writes what the shell is given without showing or keeping it. */
  putHidden(reference: string): string;
  putRandom(reference: string): string;
  /** Consumers are given `to` again, if `place` is still current. */
  makeCurrent(place: VersionPlace, to: VersionId): string;
  /** Nobody is given this version as the previous one any more. */
  endPrevious(place: VersionPlace): string;
  /** This version is not pending any more, so that another rotation may begin. */
  endPending(place: VersionPlace): string;
  /** Shows the versions in use, and who may have changed them. */
  show(reference: string): string;
}

/** What stores need from the process that they run in. */
export interface StoreWorld {
  pause(ms: number): Promise<void>;
  /** The secrets with admin credentials that Rekey replaces, and the role that may: absent in most processes. */
  readonly ownRole?: { readonly role: string; readonly secrets: readonly SecretArn[] };
  readonly vault: VaultReach;
  readonly googleCloud: GoogleReach;
  readonly azure: AzureReach;
}

/** The vaults of Azure that the deployment lists by name, and how this process shows there who it is. */
export interface AzureReach {
  readonly vaults: Readonly<Record<string, unknown>>;
  /** Signed by AWS, for this audience and nobody else: which role this process has, or may assume. */
  webIdentityToken(question: IdentityQuestion): Promise<Secret>;
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** The projects of Google Cloud that the deployment lists by name, and who this process is in AWS. */
export interface GoogleReach {
  readonly projects: Readonly<Record<string, unknown>>;
  /** Of the role that this process runs with: they sign, and are not sent. */
  awsCredentials(): Promise<AwsCredentials>;
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** The Vault servers that the deployment lists by name, and what a login to one of them needs. */
export interface VaultReach {
  readonly servers: Readonly<Record<string, unknown>>;
  credential(secretArn: SecretArn): Promise<Secret>;
  /** Of the role that this process runs with: they sign, and are not sent. */
  awsCredentials(): Promise<AwsCredentials>;
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** One kind of store that a policy may name. Nothing here makes a call before `connect`. */
export interface StoreKind {
  readonly capabilities: StoreCapabilities;
  /** Whether this text has the form of this store's references. */
  isReference(text: string): boolean;
  /** What is wrong with a reference in `rekey.yml`: it must name one secret for good, whatever is made later. */
  referenceMistake(text: string): string | undefined;
  /** Whether a reference names a copy of this secret that the store itself keeps somewhere else, such as a replica. */
  isCopyOf(copy: string, reference: string): boolean;
  /** Loads the client that makes the calls: few functions use every store, and many use none. */
  connect(world: StoreWorld): Promise<SecretStore>;
}
