/** One HTTP request, as a stand-in of a service sees it. */
export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The parsed JSON, or the fields of a form; undefined when there is none. */
  readonly body: unknown;
}

/** What a stand-in answers. */
export interface FakeReply {
  /** 0: the connection ends without a reply. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The connection ends in the middle of the body. */
  readonly cut?: boolean;
  /** How long the reply takes to arrive. */
  readonly afterMs?: number;
}
