// Composes the schemas that subgraphs.json names into supergraph.graphql. Ends with 1, and says why, where they do not
// go together; then the supergraph of before stays.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { composeServices } from "@theguild/federation-composition";
import { parse } from "graphql";

const subgraphs = JSON.parse(readFileSync("subgraphs.json", "utf8"));
const { errors, supergraphSdl } = composeServices(
  subgraphs.map(({ name, url, schema }) => ({
    name,
    url,
    typeDefs: parse(readFileSync(resolve(schema), "utf8")),
  })),
);
if (errors?.length) {
  for (const error of errors) console.error(error.message);
  process.exit(1);
}
writeFileSync("supergraph.graphql.new", supergraphSdl);
renameSync("supergraph.graphql.new", "supergraph.graphql"); // whoever reads it sees the old one or the new one
console.log(`supergraph.graphql: ${subgraphs.map(({ name }) => name).join(", ")}`);
