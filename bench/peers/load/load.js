// The client of both sides. Each line on standard input is a round as JSON: url, headers, bodies (asked in turn, over
// all connections), connections, seconds. Prints for each the answers a second and the milliseconds of the slowest
// hundredth as JSON; a round with an error or a status other than 2xx is void, and says so in `void`.
import { createInterface } from 'node:readline';
import autocannon from 'autocannon';

for await (const line of createInterface({ input: process.stdin })) {
  const { url, headers, bodies, connections, seconds } = JSON.parse(line);
  let number = 0;
  const next = (request) => ({ ...request, body: bodies[(number += 1) % bodies.length] });
  const heard = await autocannon({
    url,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    connections,
    duration: seconds,
    ...(bodies.length > 1 ? { requests: [{ setupRequest: next }] } : { body: bodies[0] }),
  });
  const wrong = heard.errors + heard.non2xx + heard.timeouts;
  console.log(JSON.stringify({
    rate: heard['2xx'] / heard.duration,
    p99: heard.latency.p99,
    bytes: heard.throughput.total / heard['2xx'],
    void: wrong > 0 ? `${heard.errors} errors, ${heard.timeouts} timeouts, ${heard.non2xx} refusals` : null,
  }));
}
process.exit(0);
