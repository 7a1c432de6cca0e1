// The federation suite's router: @apollo/gateway over a supergraph, without the parts of a server that the suite does
// not ask for. Arguments: the supergraph's file, the port.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { ApolloGateway } from "@apollo/gateway";
import { parse } from "graphql";

const [file, port] = process.argv.slice(2);
const gateway = new ApolloGateway({ supergraphSdl: readFileSync(file, "utf8") });
const { schema, executor } = await gateway.load();

async function answered(request) {
  const document = parse(request.query);
  const operation = document.definitions.find(({ kind }) => kind === "OperationDefinition");
  return executor({
    request,
    document,
    operation,
    schema,
    operationName: request.operationName ?? null,
    queryHash: createHash("sha256").update(request.query).digest("hex"),
    source: request.query,
    context: {},
    metrics: {},
    logger: console,
    overallCachePolicy: {},
  });
}

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  let body;
  try {
    const { data, errors } = await answered(JSON.parse(Buffer.concat(chunks).toString()));
    body = errors?.length ? { errors, data } : { data };
  } catch (error) {
    body = { errors: [{ message: String(error) }] };
  }
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}).listen(Number(port), () => console.log("listening"));
