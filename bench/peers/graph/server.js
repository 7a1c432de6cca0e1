// The peer: @neo4j/graphql with Apollo Server. `node server.js BOLT` with the address of a Neo4j; prints its port and
// ends with its standard input. Times are texts in the graph, and so are they here.
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { Neo4jGraphQL } from '@neo4j/graphql';
import neo4j from 'neo4j-driver';

const typeDefs = `
  type Place @node {
    id: String! kind: String! name: String
    partOf: [Place!]! @relationship(type: "PART_OF", direction: OUT)
    parts: [Place!]! @relationship(type: "PART_OF", direction: IN)
    assets: [Asset!]! @relationship(type: "LOCATED_IN", direction: IN)
  }
  type Asset @node {
    id: String! kind: String! name: String manufacturer: String model: String
    serialNumber: String @alias(property: "serial_number") firmware: String
    deviceType: String @alias(property: "device_type") channel: String online: Boolean
    place: [Place!]! @relationship(type: "LOCATED_IN", direction: OUT)
    alerts: [Alert!]! @relationship(type: "CONCERNS", direction: IN)
  }
  type Alert @node {
    id: String! rule: String! severity: String! state: String! openedAt: String! @alias(property: "opened_at")
    asset: [Asset!]! @relationship(type: "CONCERNS", direction: OUT)
    place: [Place!]! @relationship(type: "AT", direction: OUT)
  }
`;

const driver = neo4j.driver(process.argv[2]);
const features = { filters: { String: { LT: true, GT: true } } };
const schema = await new Neo4jGraphQL({ typeDefs, driver, features }).getSchema();
const server = new ApolloServer({ schema });
const context = async () => ({ executionContext: driver, sessionConfig: { database: 'neo4j' } });
const { url } = await startStandaloneServer(server, { context, listen: { port: 0, host: '127.0.0.1' } });
console.log(new URL(url).port);
process.stdin.resume().on('end', () => process.exit(0));
