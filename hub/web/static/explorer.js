// Starts GraphiQL: queries by POST, subscriptions over graphql-transport-ws, one tab for each example.
(async function () {
  "use strict";
  const url = new URL("/graphql", window.location.href);
  const socket = new URL(url);
  socket.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const fetcher = GraphiQL.createFetcher({
    url: url.href,
    wsClient: graphqlWs.createClient({ url: socket.href, retryAttempts: 0 }),
    enableIncrementalDelivery: false,
  });
  const examples = await (await fetch("/explorer/examples.json")).json();
  ReactDOM.render(
    React.createElement(GraphiQL, {
      fetcher,
      defaultTabs: examples.map((query) => ({ query, headers: null, variables: null })),
      isHeadersEditorEnabled: false,
    }),
    document.getElementById("explorer"),
  );
})();
