// PostGraphile over the same tables, tuned for production: watching and explaining are off, statements are prepared.
//
//     node server.js --listen 127.0.0.1:5000 --database postgres://… --processes 2
import cluster from "node:cluster";
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const { values } = parseArgs({
  options: {
    listen: { type: "string" },
    database: { type: "string" },
    processes: { type: "string", default: "1" },
  },
});
const processes = Number(values.processes);
const CONNECTIONS = 10;

if (processes > 1 && cluster.isPrimary) {
  for (let number = 0; number < processes; number++) cluster.fork();
  const end = () => process.exit(0);
  process.on("SIGTERM", end);
} else {
  const [host, port] = values.listen.split(":");
  const preset = {
    extends: [PostGraphileAmberPreset],
    // By default PostGraphile offers only orders whose column is first in an index; here the organization is first.
    disablePlugins: ["PgIndexBehaviorsPlugin"],
    pgServices: [
      makePgService({
        connectionString: values.database,
        schemas: ["public"],
        poolConfig: { max: Math.ceil(CONNECTIONS / processes), application_name: "peer" },
      }),
    ],
    grafserv: { watch: false, graphiql: false, graphqlOverGET: false },
    grafast: { explain: false },
  };
  const instance = postgraphile(preset);
  const handler = instance.createServ(grafserv);
  const server = createServer((request, response) => {
    if (request.url === "/readyz") {
      instance.getSchemaResult().then(
        () => response.end("ready"),
        (error) => {
          response.statusCode = 503;
          response.end(String(error));
        },
      );
    }
  });
  // Answers /readyz, which the benchmark polls first; PostGraphile handles the other paths.
  const ready = server.listeners("request")[0];
  server.removeAllListeners("request");
  await handler.addTo(server);
  const [serve] = server.listeners("request");
  server.removeAllListeners("request");
  server.on("request", (request, response) => (request.url === "/readyz" ? ready : serve)(request, response));
  server.keepAliveTimeout = 120_000;
  server.listen(Number(port), host);
}
