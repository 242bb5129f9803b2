// PostGraphile 5 over the same messages, with the preset that its documentation begins with.
import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { makeV4Preset } from "postgraphile/presets/v4";

// Node.js has it from 22 on, which PostGraphile asks for; nothing else that is used here is missing in 20.
Promise.withResolvers ??= function () {
  let resolve, reject;
  const promise = new this((...settle) => ([resolve, reject] = settle));
  return { promise, resolve, reject };
};

const preset = {
  extends: [PostGraphileAmberPreset, makeV4Preset({ disableDefaultMutations: true })],
  grafserv: { graphiql: false, watch: false },
  pgServices: [
    makePgService({ connectionString: process.env.DATABASE_URL, schemas: ["peers"] }),
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
server.listen(Number(process.argv[2]), "127.0.0.1");
