// GraphQL Yoga with resolvers by hand: one query for the page, a DataLoader for its senders.
// Subscriptions go through graphql-ws: NOTIFY says which message to look up, once for all.
import { createServer } from "node:http";
import DataLoader from "dataloader";
import { useServer } from "graphql-ws/use/ws";
import { createPubSub, createSchema, createYoga } from "graphql-yoga";
import pg from "pg";
import { WebSocketServer } from "ws";

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });

const PAGE = `
  select id::text, content, created_at, sender_id
    from peers.messages
   where channel_id = $1
   order by position desc
   limit $2`;

const MESSAGE = `
  select id::text, channel_id::text, content, created_at, sender_id
    from peers.messages
   where id = $1`;

const told = createPubSub();

async function listen() {
  const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  client.on("notification", async ({ payload }) => {
    const { rows } = await pool.query({ name: "message", text: MESSAGE, values: [payload] });
    told.publish("message", rows[0].channel_id, rows[0]);
  });
  await client.query("listen peers_messages");
}

async function people(ids) {
  const { rows } = await pool.query({
    name: "people",
    text: "select id, name from peers.people where id = any($1)",
    values: [ids],
  });
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
}

const schema = createSchema({
  typeDefs: /* GraphQL */ `
    type User { id: ID! name: String! }
    type Message { id: ID! channelId: ID! content: String! createdAt: String! sender: User! }
    type Edge { node: Message! }
    type Connection { edges: [Edge!]! }
    type Channel { id: ID! messages(last: Int!): Connection! }
    type Query { channel(id: ID!): Channel! }
    type Subscription { messageAdded(channelId: ID!): Message! }
  `,
  resolvers: {
    Query: { channel: (_, { id }) => ({ id }) },
    Channel: {
      messages: async ({ id }, { last }) => {
        const { rows } = await pool.query({ name: "page", text: PAGE, values: [id, last] });
        return { edges: rows.reverse().map((node) => ({ node })) };
      },
    },
    Subscription: {
      messageAdded: {
        subscribe: (_, { channelId }) => told.subscribe("message", channelId),
        resolve: (message) => message,
      },
    },
    Message: {
      channelId: (message) => message.channel_id,
      createdAt: (message) => message.created_at.toISOString(),
      sender: (message, _, { users }) => users.load(message.sender_id),
    },
  },
});

const yoga = createYoga({
  schema,
  graphiql: false,
  logging: false,
  context: () => ({ users: new DataLoader(people) }),
});

const server = createServer((request, response) => {
  if (request.url === "/readyz") response.end();
  else yoga(request, response);
});

// As Yoga's documentation joins the two.
useServer(
  {
    execute: (args) => args.rootValue.execute(args),
    subscribe: (args) => args.rootValue.subscribe(args),
    onSubscribe: async (ctx, _id, params) => {
      const enveloped = yoga.getEnveloped({
        ...ctx,
        req: ctx.extra.request,
        socket: ctx.extra.socket,
        params,
      });
      const args = {
        schema: enveloped.schema,
        operationName: params.operationName,
        document: enveloped.parse(params.query),
        variableValues: params.variables,
        contextValue: await enveloped.contextFactory(),
        rootValue: { execute: enveloped.execute, subscribe: enveloped.subscribe },
      };
      const errors = enveloped.validate(args.schema, args.document);
      return errors.length ? errors : args;
    },
  },
  new WebSocketServer({ server, path: yoga.graphqlEndpoint }),
);

await listen();
server.listen(Number(process.argv[2]), "127.0.0.1");
