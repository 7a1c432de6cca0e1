// The OpenID Foundation's certified client, against any issuer: says what it did, one JSON object a line.
// Arguments: issuer, public client, its redirect URI, confidential client, its secret. It reads one line in between:
// the address to which the browser was sent back.
import { createInterface } from "node:readline";
import * as client from "openid-client";

const [issuer, publicId, redirectUri, confidentialId, secret] = process.argv.slice(2);
const say = (object) => process.stdout.write(`${JSON.stringify(object)}\n`);
const refused = async (promise) => {
  try {
    await promise;
    return null;
  } catch (error) {
    return error.error ?? error.code ?? error.message;
  }
};
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const options = { execute: [client.allowInsecureRequests], algorithm: "oauth2" };

const config = await client.discovery(new URL(issuer), publicId, undefined, client.None(), options);
const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: redirectUri,
  scope: "purpose:operations",
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
});
say({ authorize: url.href });

const back = new URL((await lines.next()).value);
const checks = { pkceCodeVerifier: verifier, expectedState: state };
const mixed = new URL(back);
mixed.searchParams.set("iss", "https://other.example");
say({ mixed_up: await refused(client.authorizationCodeGrant(config, mixed, checks)) });
const tokens = await client.authorizationCodeGrant(config, back, checks);
const renewed = await client.refreshTokenGrant(config, tokens.refresh_token);
const rotated = renewed.refresh_token !== tokens.refresh_token;
say({ access_token: renewed.access_token, scope: renewed.scope, expires_in: renewed.expires_in, rotated });
await client.tokenRevocation(config, renewed.refresh_token);
say({ after_revocation: await refused(client.refreshTokenGrant(config, renewed.refresh_token)) });

const own = await client.discovery(new URL(issuer), confidentialId, secret, client.ClientSecretBasic(secret), options);
const granted = await client.clientCredentialsGrant(own, { scope: "purpose:operations" });
say({ own: await client.tokenIntrospection(own, granted.access_token) });

const device = await client.initiateDeviceAuthorization(config, { scope: "purpose:operations" });
say({ user_code: device.user_code, verification_uri: device.verification_uri });
const let_in = await client.pollDeviceAuthorizationGrant(config, device);
say({ device: let_in.scope });
process.exit(0);
