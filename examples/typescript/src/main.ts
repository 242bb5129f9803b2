// Says hello in the first channel of the sidebar, and prints what is said there from then on.
//
//   URL=http://127.0.0.1:8000/graphql TOKEN=… npm start

import { Backchannel } from "./backchannel.js";
import { graphql } from "./gql/index.js";

declare const process: { env: Record<string, string | undefined> };

const Sidebar = graphql(/* GraphQL */ `
  query Sidebar {
    viewer {
      user { name }
      channels(first: 1) { edges { node { id name unreadCount cursor } } }
    }
  }
`);

const Say = graphql(/* GraphQL */ `
  mutation Say($input: SendMessageInput!) {
    sendMessage(input: $input) { message { id createdAt } }
  }
`);

const Live = graphql(/* GraphQL */ `
  subscription Live($channel: ID!, $after: String) {
    channelEvents(channelId: $channel, after: $after) {
      __typename
      cursor
      ... on MessageSent { message { content sender { name } } }
      ... on MessageDeleted { messageId }
    }
  }
`);

const { URL = "", TOKEN = "", TRUSTED } = process.env;
const backchannel = new Backchannel(URL, () => TOKEN, Boolean(TRUSTED));

const { viewer } = await backchannel.run(Sidebar, {});
const channel = viewer.channels.edges[0]?.node;
if (!channel) throw new Error("There is no channel yet.");

const content = `Hello from ${viewer.user.name}`;
await backchannel.run(Say, {
  input: { channelId: channel.id, content, clientMessageId: crypto.randomUUID() },
});
for await (const { channelEvents: event } of backchannel.follow(Live, { channel: channel.id, after: channel.cursor })) {
  // The type's name decides which fields there are, and TypeScript knows.
  if (event.__typename === "MessageSent") {
    console.log(`${event.message.sender.name}: ${event.message.content}`);
    if (event.message.content === "Goodbye") break;
  }
}
