// Sends finished frames as fast as it can: what the client can receive. As server.js, of a text on the first line.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { WebSocketServer } from 'ws';

const http = createServer();
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false });
http.listen(0, '127.0.0.1', () => console.log(http.address().port));
let frame = null;
for await (const line of createInterface({ input: process.stdin })) {
  if (frame === null) {
    const text = Buffer.from(line);
    const head = Buffer.from([0x81, 126, text.length >> 8, text.length & 0xff]); // 126 to 65,535 bytes
    frame = Buffer.concat([head, text]);
    continue;
  }
  const burst = Buffer.concat(Array.from({ length: Number(line) }, () => frame));
  const at = process.hrtime.bigint();
  for (const socket of sockets.clients) socket._socket.write(burst);
  console.log(String(at));
}
process.exit(0);
