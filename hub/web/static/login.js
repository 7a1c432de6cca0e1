// Logs the explorer in at the hub's own issuer, as its public client `explorer`: a code with PKCE, renewed before it
// ends. Tokens are kept by this page alone; what outlives the way to the login page is the verifier and the state.
(async function () {
  "use strict";
  const KEPT = "causeway-login";
  const CLIENT = "explorer";
  const button = document.getElementById("login");
  const field = document.getElementById("token");
  const told = document.getElementById("told");
  const { issuer } = await (await fetch("/explorer/issuer.json")).json();
  if (issuer !== window.location.origin) return; // none, or this page was opened under another name
  const about = await (await fetch("/.well-known/oauth-authorization-server")).json();
  const home = `${window.location.origin}/`;
  const base64url = (bytes) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

  const ask = async (given) => {
    const body = new URLSearchParams({ client_id: CLIENT, ...given });
    const answer = await fetch(about.token_endpoint, { method: "POST", body });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.error);
    return said;
  };

  const hold = (tokens, first) => {
    field.value = tokens.access_token;
    field.dispatchEvent(new Event(first ? "change" : "renewed"));
    button.hidden = true;
    setTimeout(() => renew(tokens.refresh_token), Math.max(tokens.expires_in - 60, 5) * 1000);
  };

  const renew = async (token) => {
    try {
      hold(await ask({ grant_type: "refresh_token", refresh_token: token }), false);
    } catch {
      field.value = "";
      button.hidden = false; // the login has ended
    }
  };

  const begin = async () => {
    const kept = { verifier: random(), state: random() };
    sessionStorage.setItem(KEPT, JSON.stringify(kept));
    const challenge = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(kept.verifier));
    const url = new URL(about.authorization_endpoint);
    url.search = new URLSearchParams({
      response_type: "code",
      client_id: CLIENT,
      redirect_uri: home,
      state: kept.state,
      code_challenge: base64url(challenge),
      code_challenge_method: "S256",
    });
    window.location.assign(url);
  };

  const finish = async (given) => {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    sessionStorage.removeItem(KEPT);
    history.replaceState(null, "", "/"); // the code is in no history and no bookmark
    if (kept === null || given.get("state") !== kept.state || given.get("iss") !== about.issuer) return;
    try {
      if (given.has("error")) throw new Error(given.get("error"));
      const code = { grant_type: "authorization_code", code: given.get("code"), redirect_uri: home };
      hold(await ask({ ...code, code_verifier: kept.verifier }), true);
    } catch (error) {
      told.textContent = error.message;
    }
  };

  button.hidden = false;
  button.addEventListener("click", begin);
  const given = new URLSearchParams(window.location.search);
  if (given.has("state")) await finish(given);
})();
