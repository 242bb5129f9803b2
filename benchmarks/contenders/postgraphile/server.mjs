// PostGraphile 5 over the same messages, with the preset that its documentation begins with, and
// with subscriptions as its documentation has them: NOTIFY says which message to look up.
import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { jsonParse } from "postgraphile/@dataplan/json";
import { makePgService } from "postgraphile/adaptors/pg";
import { context, lambda, listen } from "postgraphile/grafast";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { makeV4Preset } from "postgraphile/presets/v4";
import { extendSchema } from "postgraphile/utils";

// Node.js has it from 22 on, which PostGraphile asks for; nothing else that is used here is missing in 20.
Promise.withResolvers ??= function () {
  let resolve, reject;
  const promise = new this((...settle) => ([resolve, reject] = settle));
  return { promise, resolve, reject };
};

const live = extendSchema((build) => {
  const { messages } = build.input.pgRegistry.pgResources;
  return {
    typeDefs: /* GraphQL */ `
      extend type Subscription {
        messageAdded(channelId: UUID!): Message
      }
    `,
    objects: {
      Subscription: {
        plans: {
          messageAdded: {
            subscribePlan(_, { $channelId }) {
              const $topic = lambda($channelId, (id) => `channel:${id}`);
              return listen(context().get("pgSubscriber"), $topic, jsonParse);
            },
            plan: ($event) => messages.get({ id: $event.get("id") }),
          },
        },
      },
    },
  };
});

const preset = {
  extends: [PostGraphileAmberPreset, makeV4Preset({ disableDefaultMutations: true })],
  plugins: [live],
  grafserv: { graphiql: false, watch: false, websockets: true },
  pgServices: [
    makePgService({
      connectionString: process.env.DATABASE_URL,
      schemas: ["peers"],
      pubsub: true,
    }),
  ],
};

const server = createServer((request, response) => {
  if (request.url === "/readyz") response.end();
  else handle(request, response);
});
const served = postgraphile(preset).createServ(grafserv);
let handle;
const probe = createServer();
await served.addTo(probe);
handle = probe.listeners("request")[0];
server.on("upgrade", probe.listeners("upgrade")[0]);
server.listen(Number(process.argv[2]), "127.0.0.1");
