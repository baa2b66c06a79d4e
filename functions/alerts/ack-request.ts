/** The parts of a function URL's request and answer that an acknowledgement has. */
export interface AckRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | null | undefined;
  readonly isBase64Encoded: boolean;
  readonly requestContext: {
    readonly requestId: string;
    readonly http: { readonly method: string; readonly sourceIp: string };
  };
}

export interface AckSaid {
  readonly answer: {
    readonly statusCode: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  };
  readonly outcome: string;
  readonly source: string;
  readonly reason?: string;
}
