// graphql-ws with a token that ends: it asks for another one and comes back where it was.
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { EVENTS, channel, cursor, pause, seen, tell, token, tokens, ws } from "./harness.mjs";

const client = createClient({
  url: ws,
  webSocketImpl: WebSocket,
  connectionParams: async () => ({ authorization: `Bearer ${tokens.shift() ?? token}` }),
  retryAttempts: Infinity,
  retryWait: pause,
  shouldRetry: () => true,
  on: { closed: ({ code }) => tell("closed", code) },
});

const variables = { channel, after: cursor };
for await (const { data } of client.iterate({ query: EVENTS, variables })) {
  variables.after = data.channelEvents.cursor;
  if (seen(data.channelEvents)) break;
}
await client.dispose();
