// Many subscribers in one process: `node client.js URL COUNT PROTOCOL [TOKEN]`.
// Prints "ready" once all are subscribed. Then each line "N" on standard input waits until every one of them has
// received N messages, and prints {"last", "p50", "p99"}: when they were received (CLOCK_MONOTONIC, nanoseconds), and one
// message as it came.
import { createInterface } from 'node:readline';
import WebSocket from 'ws';

const [url, countText, protocol, token] = process.argv.slice(2);
const count = Number(countText);
const DOCUMENT = `subscription {
  alerts {
    cursor type
    alert {
      id rule severity state code openedAt quantity value limit unit
      subject { id kind name } placePath { id kind name }
    }
  }
}`;

let times = new BigInt64Array(0);
let received = 0;
let wanted = 0;
let sample = null;
const perSubscriber = new Map();

function heard(number, data) {
  const at = process.hrtime.bigint();
  if (received < times.length) times[received] = at;
  received += 1;
  perSubscriber.set(number, (perSubscriber.get(number) ?? 0) + 1);
  if (sample === null) sample = data;
  if (received === wanted) tell();
}

function tell() {
  if (new Set(perSubscriber.values()).size !== 1) throw new Error('not all received the same number of messages');
  const sorted = times.slice(0, received).sort();
  const at = (share) => Number(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]);
  const told = { last: at(1), p50: at(0.5), p99: at(0.99), sample: sample.toString() };
  received = wanted = 0;
  perSubscriber.clear();
  sample = null;
  console.log(JSON.stringify(told));
}

function subscribe(number) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocol === 'raw' ? [] : [protocol], { perMessageDeflate: false });
    socket.on('error', reject);
    if (protocol === 'raw') {
      socket.on('open', resolve);
      socket.on('message', (data) => heard(number, data));
      return;
    }
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: token ? { authorization: `Bearer ${token}` } : {} })));
    let standing = false;
    socket.on('message', (data) => {
      if (standing) return heard(number, data);
      const { type } = JSON.parse(data);
      if (type === 'connection_ack') {
        socket.send(JSON.stringify({ type: 'subscribe', id: `subscriber-${number}`, payload: { query: DOCUMENT } }));
        socket.send(JSON.stringify({ type: 'ping' })); // answered once the subscription was taken up
      } else if (type === 'pong') {
        standing = true;
        resolve();
      } else if (type !== 'ping') reject(new Error(`unexpected: ${data}`));
    });
    socket.on('close', (code, reason) => reject(new Error(`closed: ${code} ${reason}`)));
  });
}

for (let begun = 0; begun < count; begun += 50) {
  await Promise.all(Array.from({ length: Math.min(50, count - begun) }, (_, n) => subscribe(begun + n)));
}
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  wanted = Number(line) * count;
  times = new BigInt64Array(wanted);
  console.log('waiting');
}
process.exit(0);
