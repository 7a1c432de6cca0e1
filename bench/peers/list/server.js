// The peer: Mercurius with JIT on Fastify, the rows in memory. `node server.js ROWS` with a file of rows as JSON;
// prints its port and ends with its standard input.
import { readFileSync } from 'node:fs';
import Fastify from 'fastify';
import mercurius from 'mercurius';

const rows = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const places = new Map(rows.map((row, index) => [row.id, index]));

const schema = `
  enum AssetKind { CAMERA EQUIPMENT PANEL RECORDER SENSOR }
  type Asset {
    id: ID! kind: AssetKind! name: String manufacturer: String model: String serialNumber: String firmware: String
    deviceType: String channel: String online: Boolean
  }
  type PageInfo { endCursor: String }
  type Assets { nodes: [Asset!]! pageInfo: PageInfo! }
  type Query { assets(first: Int!, after: String): Assets! }
`;

const resolvers = {
  Query: {
    assets(_, { first, after }) {
      const begin = after ? places.get(after) + 1 : 0;
      const nodes = rows.slice(begin, begin + first);
      return { nodes, pageInfo: { endCursor: nodes.at(-1)?.id } };
    },
  },
};

const app = Fastify();
app.register(mercurius, { schema, resolvers, jit: 1, path: '/graphql' });
await app.listen({ port: 0, host: '127.0.0.1' });
console.log(app.server.address().port);
process.stdin.resume().on('end', () => process.exit(0));
