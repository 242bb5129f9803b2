import { createHash } from "node:crypto";
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { EVENTS, SEND, VIEWER, authorization, channel, follow, http, other, tell, ws } from "./harness.mjs";

// urql lets go of a stream's reader without looking at what comes of it, which Node, unlike a browser, ends for.
process.on("unhandledRejection", (reason) => {
  if (reason.name !== "AbortError") throw reason;
});

const over = process.argv[3];
const wire = [];
const sockets = createClient({
  url: ws,
  webSocketImpl: WebSocket,
  connectionParams: { authorization },
  retryAttempts: 0,
});
const client = new Client({
  url: http,
  fetchOptions: { headers: { authorization } },
  fetch(url, options) {
    const asked = options.body ? JSON.parse(options.body) : Object.fromEntries(new URL(url).searchParams);
    wire.push(`${options.method} ${[asked.query && "text", asked.extensions && "hash"].filter(Boolean).join(" and ")}`);
    return fetch(url, options);
  },
  fetchSubscriptions: over === "sse",
  exchanges: [
    persistedExchange({
      preferGetForPersistedQueries: true,
      generateHash: async (text) => createHash("sha256").update(text).digest("hex"),
    }),
    ...(over === "sse"
      ? []
      : [
          subscriptionExchange({
            forwardSubscription: ({ query, variables }) => ({
              subscribe: (sink) => ({ unsubscribe: sockets.subscribe({ query, variables }, sink) }),
            }),
          }),
        ]),
    fetchExchange,
  ],
});

tell("query", (await client.query(VIEWER, {})).data.viewer.user.name);
await client.query(VIEWER, {}, { requestPolicy: "network-only" });
tell("wire", wire.splice(0));
const send = (channel) => client.mutation(SEND, { channel, content: "mine" });
tell("mutation", (await send(channel)).data.sendMessage.message.content);
tell("refused", (await send(other)).error.graphQLErrors[0].extensions.code);

await follow(
  (after, next) =>
    new Promise((resolve, reject) => {
      const { unsubscribe } = client.subscription(EVENTS, { channel, after }).subscribe(({ data, error }) => {
        if (error) reject(error);
        else if (next(data.channelEvents)) {
          unsubscribe();
          resolve();
        }
      });
    }),
);
await sockets.dispose();
