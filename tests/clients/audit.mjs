// graphql-http's own audit of a server: https://github.com/graphql/graphql-http#audits-implementation
import { auditServer } from "graphql-http";
import { http, tell } from "./harness.mjs";

for (const { name, status, reason } of await auditServer({ url: http })) {
  tell(status, reason ? `${name}: ${reason}` : name);
}
