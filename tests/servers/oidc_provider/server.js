// An OpenID provider of another make, on loopback: node server.js PORT AUDIENCE
// A test says by POST /test/WORD: `rotate` puts a new key before the others, `drop` forgets all but the newest,
// `slow` lets each answer wait for ten seconds, `down` closes the connections that come, `up` ends both.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [port, audience] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

function newKey() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "RS256" };
}

let keys = [newKey()];
let handle;

function start() {
  const provider = new Provider(issuer, {
    jwks: { keys },
    clients: [
      {
        client_id: "explorer",
        token_endpoint_auth_method: "none",
        application_type: "native",
        grant_types: ["authorization_code", "refresh_token"],
        redirect_uris: ["http://127.0.0.1/back"],
      },
      {
        client_id: "department",
        client_secret: "department:secret/1",
        grant_types: ["client_credentials"],
        response_types: [],
        redirect_uris: [],
      },
      {
        client_id: "hub",
        client_secret: "hub:secret/1",
        grant_types: [],
        response_types: [],
        redirect_uris: [],
      },
    ],
    cookies: { keys: ["loopback"] },
    scopes: ["openid", "offline_access", "purpose:operations", "purpose:emergency"],
    extraTokenClaims: (_, token) => ({
      realm_access: { roles: token.accountId ? ["guard"] : ["government"] },
      org: "acme",
    }),
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    ttl: { AccessToken: 300, ClientCredentials: 300, Grant: 3600, Session: 3600, IdToken: 300, Interaction: 300 },
    features: {
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      dPoP: { enabled: true, nonceSecret: undefined },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        // AUDIENCE gives JWTs, AUDIENCE/opaque tokens that only the issuer can read, anything else is another service
        getResourceServerInfo: (_, resource) => ({
          scope: "purpose:operations purpose:emergency",
          audience: resource === `${audience}/opaque` ? audience : resource,
          accessTokenFormat: resource === `${audience}/opaque` ? "opaque" : "jwt",
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
  });
  handle = provider.callback();
}

start();
let delay = 0;
let down = false;
const words = {
  rotate: () => ((keys = [newKey(), ...keys]), start()),
  drop: () => ((keys = keys.slice(0, 1)), start()),
  slow: () => (delay = 10_000),
  down: () => (down = true),
  up: () => ([down, delay] = [false, 0]),
};
createServer((request, response) => {
  const word = request.url.split("/test/")[1];
  if (word) {
    words[word]();
    response.end();
  } else if (down) request.socket.destroy();
  else setTimeout(() => handle(request, response), delay);
}).listen(Number(port), "127.0.0.1", () => console.log(`listening on ${issuer}`));
