// A Modbus server of another make: 10000 registers and 10000 bits, shown by both tables of their kind.
// Arguments: port, framing ("tcp" or "rtu-over-tcp"). Unit 1 answers, others are silent; addresses from 9000 on do not exist.
"use strict";
const net = require("node:net");
const { ServerTCP } = require("modbus-serial");

const port = Number(process.argv[2]);
const framing = process.argv[3] || "tcp";
const registers = new Uint16Array(10000);
const bits = new Uint8Array(10000);

function within(address) {
  if (address >= 9000) {
    throw { modbusErrorCode: 2, msg: "no such address" };
  }
  return address;
}

const vector = {
  getCoil: (address) => Boolean(bits[within(address)]),
  getDiscreteInput: (address) => Boolean(bits[within(address)]),
  getHoldingRegister: (address) => registers[within(address)],
  getInputRegister: (address) => registers[within(address)],
  setCoil: (address, value) => { bits[within(address)] = value ? 1 : 0; },
  setRegister: (address, value) => { registers[within(address)] = value; },
};

function crc16(bytes) {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) {
      crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
    }
  }
  return crc;
}

// RTU frames inside TCP, as serial device servers pass them: a bridge in front of modbus-serial's own server,
// which speaks the framing of Modbus TCP alone.
function bridge(listenPort, backPort) {
  net.createServer((outside) => {
    const inside = net.connect(backPort, "127.0.0.1");
    let asked = Buffer.alloc(0);
    let answered = Buffer.alloc(0);
    outside.on("data", (chunk) => {
      asked = Buffer.concat([asked, chunk]);
      for (;;) {
        const writes = asked.length > 6 && (asked[1] === 15 || asked[1] === 16);
        const length = writes ? 9 + asked[6] : 8;
        if (asked.length < length) return;
        const frame = asked.subarray(0, length);
        asked = asked.subarray(length);
        const body = frame.subarray(0, length - 2);
        if (crc16(body) !== frame.readUInt16LE(length - 2)) return;
        const header = Buffer.from([0, 1, 0, 0, body.length >> 8, body.length & 255]);
        inside.write(Buffer.concat([header, body]));
      }
    });
    inside.on("data", (chunk) => {
      answered = Buffer.concat([answered, chunk]);
      while (answered.length >= 6 && answered.length >= 6 + answered.readUInt16BE(4)) {
        const end = 6 + answered.readUInt16BE(4);
        const body = answered.subarray(6, end);
        answered = answered.subarray(end);
        const sum = crc16(body);
        outside.write(Buffer.concat([body, Buffer.from([sum & 255, sum >> 8])]));
      }
    });
    for (const [one, other] of [[outside, inside], [inside, outside]]) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  }).listen(listenPort, "127.0.0.1", () => console.log("ready"));
}

const inner = framing === "tcp" ? port : 0;
const server = new ServerTCP(vector, { host: "127.0.0.1", port: inner, debug: false, unitID: 1 });
server.on("socketError", () => {});
server.on("serverError", (error) => { console.error(error); process.exit(1); });
server.on("initialized", () => {
  if (framing === "tcp") {
    console.log("ready");
  } else {
    bridge(port, server._server.address().port);
  }
});
