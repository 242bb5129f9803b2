// GraphQL Yoga with resolvers by hand: one query for the page, a DataLoader for its senders.
import { createServer } from "node:http";
import DataLoader from "dataloader";
import { createSchema, createYoga } from "graphql-yoga";
import pg from "pg";

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });

const PAGE = `
  select id::text, content, created_at, sender_id
    from peers.messages
   where channel_id = $1
   order by position desc
   limit $2`;

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
    type Message { id: ID! content: String! createdAt: String! sender: User! }
    type Edge { node: Message! }
    type Connection { edges: [Edge!]! }
    type Channel { id: ID! messages(last: Int!): Connection! }
    type Query { channel(id: ID!): Channel! }
  `,
  resolvers: {
    Query: { channel: (_, { id }) => ({ id }) },
    Channel: {
      messages: async ({ id }, { last }) => {
        const { rows } = await pool.query({ name: "page", text: PAGE, values: [id, last] });
        return { edges: rows.reverse().map((node) => ({ node })) };
      },
    },
    Message: {
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

createServer((request, response) => {
  if (request.url === "/readyz") response.end();
  else yoga(request, response);
}).listen(Number(process.argv[2]), "127.0.0.1");
