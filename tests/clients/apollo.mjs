import { createHash } from "node:crypto";
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { OperationTypeNode } from "graphql";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { EVENTS, SEND, VIEWER, authorization, channel, follow, http, other, tell, ws } from "./harness.mjs";

// Browsers and Node from 22 on have it, and Apollo's link looks for it when the line is lost.
globalThis.WebSocket ??= WebSocket;

const over = process.argv[3];
const wire = [];
const httpLink = new HttpLink({
  uri: http,
  headers: { authorization },
  fetch(url, options) {
    const { query, extensions } = options.body ? JSON.parse(options.body) : {};
    wire.push([query && "text", extensions?.persistedQuery && "hash"].filter(Boolean).join(" and "));
    return fetch(url, options);
  },
});
const sockets = createClient({
  url: ws,
  webSocketImpl: WebSocket,
  connectionParams: { authorization },
  retryAttempts: 0,
});
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: new PersistedQueryLink({ sha256: (text) => createHash("sha256").update(text).digest("hex") }).concat(
    over === "ws"
      ? ApolloLink.split(
          ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
          new GraphQLWsLink(sockets),
          httpLink,
        )
      : httpLink,
  ),
});

const query = { query: gql(VIEWER), fetchPolicy: "network-only" };
tell("query", (await client.query(query)).data.viewer.user.name);
await client.query(query);
tell("wire", wire.splice(0));
const send = (channel) => client.mutate({ mutation: gql(SEND), variables: { channel, content: "mine" } });
tell("mutation", (await send(channel)).data.sendMessage.message.content);
await send(other).catch((error) => {
  tell("refused", CombinedGraphQLErrors.is(error) && error.errors[0].extensions.code);
});

await follow(
  (after, next) =>
    new Promise((resolve, reject) => {
      const subscription = client.subscribe({ query: gql(EVENTS), variables: { channel, after } }).subscribe({
        next({ data, error }) {
          if (error) return reject(error);
          if (next(data.channelEvents)) {
            subscription.unsubscribe();
            resolve();
          }
        },
        error: reject,
        complete: () => reject(new Error("It ended.")),
      });
    }),
);
client.stop();
await sockets.dispose();
