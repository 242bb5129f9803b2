// Everything a typed client of Backchannel needs, in one file: requests by fetch, events over SSE.

import type { TypedDocumentString } from "./gql/graphql.js";

export interface Problem {
  message: string;
  extensions: { code: string; field?: string; retryAfter?: number; requestId: string };
}

/** A refusal; `code` is what to branch on. */
export class Refused extends Error {
  constructor(readonly problems: Problem[]) {
    super(problems[0]?.message);
  }

  get code(): string | undefined {
    return this.problems[0]?.extensions.code;
  }
}

type Answer<Result> = { data?: Result; errors?: Problem[] };
type Document<Result, Variables> = TypedDocumentString<Result, Variables>;

export class Backchannel {
  constructor(
    private readonly url: string,
    private readonly token: () => string,
    /** Whether the server has persisted-documents.json, and is sent the names of documents. */
    private readonly isTrusted = false,
  ) {}

  /** The data of a query or mutation. Throws `Refused`. */
  async run<Result, Variables>(document: Document<Result, Variables>, variables: Variables): Promise<Result> {
    const response = await this.post(document, variables, "application/graphql-response+json");
    return data((await response.json()) as Answer<Result>);
  }

  /** The results of a subscription, over as many connections as it takes. Throws `Refused`. */
  async *follow<Result, Variables>(
    document: Document<Result, Variables>,
    variables: Variables,
  ): AsyncGenerator<Result, void> {
    for (let lastEventId = ""; ; await pause()) {
      try {
        const response = await this.post(document, variables, "text/event-stream", lastEventId);
        for await (const event of events(response)) {
          lastEventId = event.id ?? lastEventId;
          if (event.event === "next") yield data(JSON.parse(event.data ?? "") as Answer<Result>);
          if (event.event === "complete") return;
        }
      } catch (error) {
        // Whatever else breaks off may go on: from the last event's id, which is its cursor.
        if (error instanceof Refused && error.code !== "UNAVAILABLE") throw error;
      }
    }
  }

  private async post<Result, Variables>(
    document: Document<Result, Variables>,
    variables: Variables,
    accept: string,
    lastEventId = "",
  ): Promise<Response> {
    return fetch(this.url, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Accept: accept,
        Authorization: `Bearer ${this.token()}`,
        ...(lastEventId && { "Last-Event-ID": lastEventId }),
      },
      body: JSON.stringify({
        ...(this.isTrusted ? { documentId: document.__meta__?.hash } : { query: document.toString() }),
        variables,
      }),
    });
  }
}

function data<Result>(answer: Answer<Result>): Result {
  if (answer.errors || answer.data === undefined) throw new Refused(answer.errors ?? []);
  return answer.data;
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation */
async function* events(response: Response): AsyncGenerator<Record<string, string>, void> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (let buffer = ""; ; ) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (buffer + value).split("\n\n");
      buffer = blocks.pop() ?? "";
      for (const block of blocks) {
        yield Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s).slice(0, 2)));
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 500 + 1000 * Math.random()));
