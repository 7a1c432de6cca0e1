// Composes subgraphs as Apollo does. Arguments: the file that the supergraph goes to, then name, URL and schema file of
// each. Prints each hint and error, and ends with 1 where they do not go together.
import { readFileSync, writeFileSync } from "node:fs";
import { composeServices } from "@apollo/composition";
import { parse } from "graphql";

const [target, ...rest] = process.argv.slice(2);
const subgraphs = [];
while (rest.length) {
  const [name, url, file] = rest.splice(0, 3);
  subgraphs.push({ name, url, typeDefs: parse(readFileSync(file, "utf8")) });
}
const { errors, hints, supergraphSdl } = composeServices(subgraphs);
for (const hint of hints ?? []) console.log(`hint ${hint.definition.code}: ${hint.message}`);
for (const error of errors ?? []) console.error(error.message);
if (errors?.length) process.exit(1);
writeFileSync(target, supergraphSdl);
