// What graphql-ws does when a server closes its socket with a code: again, or no more.
import { once } from "node:events";
import { createClient } from "graphql-ws";
import { WebSocket, WebSocketServer } from "ws";

const tell = (code, what) => process.stdout.write(`${JSON.stringify([code, what])}\n`);

for (const code of JSON.parse(process.argv[2])) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "graphql-transport-ws" });
  await once(server, "listening");
  let connections = 0;
  const again = new Promise((resolve) => {
    server.on("connection", (socket) => {
      connections += 1;
      if (connections > 1) resolve(true);
      socket.on("message", (data) => {
        if (JSON.parse(data).type === "connection_init") socket.send('{"type":"connection_ack"}');
        else if (code === 1006) socket.terminate();
        else socket.close(code);
      });
    });
  });
  const client = createClient({
    url: `ws://127.0.0.1:${server.address().port}`,
    webSocketImpl: WebSocket,
    retryWait: () => Promise.resolve(),
    shouldRetry: () => true,
  });
  const over = new Promise((resolve) => {
    client.subscribe({ query: "{ __typename }" }, { next() {}, error: () => resolve(false), complete() {} });
  });
  tell(code, await Promise.race([again, over]));
  await client.dispose();
  for (const socket of server.clients) socket.terminate();
  server.close();
}
