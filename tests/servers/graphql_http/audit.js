// Runs the whole server audit of graphql-http against the URL, with the token; a line of JSON for each.
import { auditServer } from 'graphql-http';

const [url, token] = process.argv.slice(2);
const fetchFn = (address, init = {}) => {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${token}`);
  headers.set('graphql-require-preflight', '1');
  return fetch(address, { ...init, headers });
};

for (const result of await auditServer({ url, fetchFn })) {
  console.log(JSON.stringify({ name: `${result.id} ${result.name}`, status: result.status, reason: result.reason ?? '' }));
}
