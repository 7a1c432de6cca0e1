// Hive Gateway before the subgraphs of subgraphs.json, whose schemas `npm run compose` put together.
import { readFileSync } from "node:fs";
import { defineConfig } from "@graphql-hive/gateway";

const subgraphs = JSON.parse(readFileSync("subgraphs.json", "utf8"));
const timeouts = Object.fromEntries(subgraphs.map(({ name, timeout }) => [name, timeout ?? 20_000]));

// Who asks, for what, in which language. A subgraph hears these and nothing else of the client, so that it believes the
// token alone: a header such as X-User that somebody sends goes no further.
const FORWARDED = ["authorization", "causeway-purpose", "accept-language"];

// Over a WebSocket they come in `connection_init`, which counts for more than what the handshake said.
function said({ context, request }) {
  const given = {};
  for (const name of FORWARDED) {
    const value = request.headers.get(name);
    if (value) given[name] = value;
  }
  for (const [key, value] of Object.entries(context.connectionParams ?? {})) {
    const name = key.toLowerCase() === "purpose" ? "causeway-purpose" : key.toLowerCase();
    if (FORWARDED.includes(name) && typeof value === "string") given[name] = value;
  }
  return given;
}

// A subgraph's subscriptions reach the gateway over server-sent events: where such a stream breaks off, the client hears
// that it ended, and goes on after its last cursor. A WebSocket ("subscriptions": "ws" in subgraphs.json) the gateway
// opens anew by itself and asks as the client did at first, so that events before would come twice: it is for streams
// without cursors alone. A connection serves one token: two viewers never share one.
function transport({ subscriptions = "sse" }) {
  const options = { deduplicateInflightRequests: false, method: "POST" }; // else it asks for streams by GET
  if (subscriptions === "ws") {
    options.subscriptions = {
      kind: "ws",
      options: {
        connectionParams: {
          authorization: "{context.identity.authorization}",
          purpose: "{context.identity.purpose}",
        },
      },
    };
  }
  return { options };
}

// What the templates above read; both have a value always, for a template that finds none stays as it is written.
function identity() {
  return {
    onContextBuilding({ context, extendContext }) {
      const given = context.request ? said({ context, request: context.request }) : {};
      extendContext({
        identity: { authorization: given.authorization ?? "", purpose: given["causeway-purpose"] ?? "" },
      });
    },
  };
}

export const gatewayConfig = defineConfig({
  supergraph: "supergraph.graphql",
  host: process.env.GATEWAY_HOST ?? "127.0.0.1",
  port: Number(process.env.GATEWAY_PORT ?? 4000),
  pollingInterval: 10_000, // a new supergraph.graphql counts without a restart
  transportEntries: Object.fromEntries(subgraphs.map((subgraph) => [subgraph.name, transport(subgraph)])),
  propagateHeaders: { fromClientToSubgraphs: said },
  // A subgraph that does not answer leaves its fields null, with an error beside them. A subscription has no such end.
  upstreamTimeout: ({ subgraphName, executionRequest }) =>
    executionRequest?.operationType === "subscription" ? 0 : timeouts[subgraphName],
  plugins: () => [identity()],
  batching: false,
  csrfPrevention: false, // nothing here is believed for a cookie's sake: a request acts by its token alone
  graphiql: false,
  landingPage: false,
  logging: "warn",
});
