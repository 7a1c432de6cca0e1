// The peer: graphql-ws on `ws`, each subscriber with an async iterator of its own. Prints its port; each line
// "N" on standard input publishes N events at once and prints when (CLOCK_MONOTONIC, nanoseconds).
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { buildSchema } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { event } from './alert.js';

const schema = buildSchema(`
  type Query { ok: Boolean }
  type Named { id: ID! kind: String! name: String }
  type Alert {
    id: ID! rule: String! severity: String! state: String! code: String! openedAt: String! quantity: String
    value: Float limit: Float unit: String subject: Named placePath: [Named!]!
  }
  type AlertEvent { cursor: String! type: String! alert: Alert! }
  type Subscription { alerts: AlertEvent! }
`);

const listeners = new Set();

async function* alerts() {
  const queue = [];
  let wake = null;
  const listener = (value) => {
    queue.push(value);
    wake?.();
  };
  listeners.add(listener);
  try {
    for (;;) {
      while (queue.length > 0) yield { alerts: queue.shift() };
      await new Promise((resolve) => { wake = resolve; });
      wake = null;
    }
  } finally {
    listeners.delete(listener);
  }
}

const http = createServer();
const sockets = new WebSocketServer({ server: http, path: '/graphql', perMessageDeflate: false });
useServer({ schema, roots: { subscription: { alerts } } }, sockets);
http.listen(0, '127.0.0.1', () => console.log(http.address().port));
let number = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const events = Array.from({ length: Number(line) }, () => event((number += 1)));
  const at = process.hrtime.bigint();
  for (const each of events) for (const listener of listeners) listener(each);
  console.log(String(at));
}
process.exit(0);
