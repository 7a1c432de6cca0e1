// Starts GraphiQL: queries by POST, subscriptions over graphql-transport-ws, one tab for each example.
// A token is kept by this page alone, and is gone with it.
(async function () {
  "use strict";
  const url = new URL("/graphql", window.location.href);
  const socket = new URL(url);
  socket.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const token = document.getElementById("token");
  const purpose = document.getElementById("purpose");
  const said = () => ({
    ...(token.value.trim() && { authorization: `Bearer ${token.value.trim()}` }),
    ...(purpose.value.trim() && { purpose: purpose.value.trim() }),
  });
  const headers = () => {
    const { authorization, purpose } = said();
    return { ...(authorization && { authorization }), ...(purpose && { "causeway-purpose": purpose }) };
  };
  const examples = await (await fetch("/explorer/examples.json")).json();
  let times = 0;
  let open = null;
  const show = () => {
    const fetcher = GraphiQL.createFetcher({
      url: url.href,
      fetch: (address, options) => window.fetch(address, { ...options, headers: { ...options.headers, ...headers() } }),
      wsClient: graphqlWs.createClient({
        url: socket.href,
        retryAttempts: 0,
        connectionParams: said,
        on: { opened: (socket) => (open = socket), closed: () => (open = null) },
      }),
      enableIncrementalDelivery: false,
    });
    ReactDOM.render(
      React.createElement(GraphiQL, {
        key: ++times, // another token may see another schema
        fetcher,
        defaultTabs: examples.map((query) => ({ query, headers: null, variables: null })),
        isHeadersEditorEnabled: false,
      }),
      document.getElementById("explorer"),
    );
  };
  token.addEventListener("renewed", () => {
    const payload = { authorization: said().authorization };
    if (open?.readyState === WebSocket.OPEN) open.send(JSON.stringify({ type: "ping", payload }));
  });
  for (const field of [token, purpose]) field.addEventListener("change", show);
  show();
})();
