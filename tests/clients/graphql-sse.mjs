import { createClient } from "graphql-sse";
import { EVENTS, SEND, VIEWER, authorization, channel, cursor, http, other, pause, seen, tell } from "./harness.mjs";

const client = createClient({
  url: http,
  headers: { authorization },
  retryAttempts: 100,
  retry: pause,
});

async function run(query, variables) {
  for await (const result of client.iterate({ query, variables })) return result;
}

tell("query", (await run(VIEWER)).data.viewer.user.name);
tell("mutation", (await run(SEND, { channel, content: "mine" })).data.sendMessage.message.content);
const refused = await run(SEND, { channel: other, content: "mine" });
tell("refused", refused.errors[0].extensions.code);

// The client comes back by itself and says the same again: so what it says must be up to date.
const variables = { channel, after: cursor };
for await (const { data } of client.iterate({ query: EVENTS, variables })) {
  variables.after = data.channelEvents.cursor;
  if (seen(data.channelEvents)) break;
}
client.dispose();
