// Starts GraphiQL with what the server's config.json says: where the API is, and in the demo
// whose window this is, with their token and tabs (server/graphiql/ builds it).

/** So many events of a subscription stay on the screen. */
const EVENTS_SHOWN = 50;

const root = document.getElementById('graphiql');

start().catch(error => {
  const note = element('p', { className: 'note' }, error.message);
  root.replaceChildren(note);
});

async function start() {
  const config = await loadConfig();
  if (config.person) {
    showPerson(config.person, config.people);
  }
  const { explorerPlugin } = window.GraphiQLPluginExplorer;
  const app = React.createElement(GraphiQL, {
    fetcher: createFetcher(config),
    plugins: [explorerPlugin()],
    storage: config.person ? demoStorage(config.tabs) : ownStorage(),
    shouldPersistHeaders: false,
    // These are also the headers of every tab that has none of its own.
    defaultHeaders: config.headers,
    defaultQuery: config.tabs[0].query,
    defaultEditorToolsVisibility: config.person ? 'variables' : 'headers',
  });
  ReactDOM.createRoot(root).render(app);
}

async function loadConfig() {
  const response = await fetch(`graphiql/config.json${location.search}`, { cache: 'no-store' });
  const config = await response.json();
  if (!response.ok) {
    throw new Error(config.error);
  }
  return config;
}

// ---------------------------------------------------------------- whose window

function showPerson(person, people) {
  document.title = `${person.name} · Backchannel GraphiQL`;
  const others = people
    .filter(({ key }) => key !== person.key)
    .map(({ key, name }) =>
      element(
        'a',
        { href: `?as=${key}&beside=${person.key}`, target: '_blank', rel: 'noopener', title: name },
        name.split(' ')[0],
      ),
    );
  document
    .getElementById('bar')
    .append(
      element('span', {}, 'signed in as ', element('b', {}, person.name)),
      element('nav', {}, 'Open a second window as', ...others),
    );
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// ---------------------------------------------------------------- requests

function createFetcher({ graphqlUrl, websocketUrl }) {
  const socket = new URL(websocketUrl, document.baseURI);
  socket.protocol = socket.protocol.replace('http', 'ws');
  const fetcher = GraphiQL.createFetcher({ url: graphqlUrl, subscriptionUrl: socket.href });
  return async (request, options) => {
    const documentAST = parse(request.query);
    const operations = documentAST?.definitions.filter(({ operation }) => operation) ?? [];
    // For 100 ms after a change of tabs GraphiQL still holds what it knew of the tab before.
    const operationName =
      operations.length === 1 ? operations[0].name?.value : request.operationName;
    const asked = operations.find(({ name }) => name?.value === operationName);
    const result = await fetcher({ ...request, operationName }, { ...options, documentAST });
    return asked?.operation === 'subscription' ? newestFirst(result) : result;
  };
}

/** The document, or undefined if it is none: then the server says what is wrong with it. */
function parse(query) {
  try {
    return GraphiQL.GraphQL.parse(query);
  } catch (error) {
    if (error instanceof GraphiQL.GraphQL.GraphQLError) {
      return undefined;
    }
    throw error;
  }
}

/** GraphiQL shows only the last result of a subscription: give it the list of them instead. */
function newestFirst(results) {
  const source = results[Symbol.asyncIterator]();
  const shown = [];
  let received = 0;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const { value, done } = await source.next();
      if (done) {
        return { value, done };
      }
      received += 1;
      shown.unshift(value);
      shown.splice(EVENTS_SHOWN);
      return { value: { received, newestFirst: [...shown] }, done };
    },
    return(value) {
      return source.return(value);
    },
  };
}

// ---------------------------------------------------------------- what stays in the browser

/** The demo's tokens and ids end with it: its tabs start anew with every load of the page. */
function demoStorage(tabs) {
  const opened = new URLSearchParams(location.search).get('tab');
  const active = Math.max(0, tabs.findIndex(({ name }) => name === opened));
  const items = new Map([
    ['graphiql:tabState', JSON.stringify({ activeTabIndex: active, tabs: tabs.map(tabState) })],
    // GraphiQL opens the tab that holds these two.
    ['graphiql:query', tabs[active].query],
    ['graphiql:variables', tabs[active].variables],
  ]);
  return {
    get length() {
      return items.size;
    },
    getItem: key => items.get(key) ?? null,
    setItem: (key, value) => items.set(key, value),
    removeItem: key => items.delete(key),
    clear: () => items.clear(),
  };
}

function tabState({ name, query, variables }) {
  return {
    id: name,
    hash: null,
    title: name,
    query,
    variables,
    headers: null,
    operationName: name,
    response: null,
  };
}

/** The user's own tabs and history, without the headers, which carry their token. */
function ownStorage() {
  const storage = GraphiQL.createLocalStorage({ namespace: 'backchannel' });
  const { setItem } = storage;
  const holdsHeaders = /:(tabState|queries|favorites)$/;
  const withoutHeaders = (key, value) => (key === 'headers' ? null : value);
  storage.setItem = (key, value) =>
    setItem(
      key,
      holdsHeaders.test(key) ? JSON.stringify(JSON.parse(value), withoutHeaders) : value,
    );
  return storage;
}
