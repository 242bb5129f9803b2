// What every client here is given, and how it tells the test what it has seen.

export const { http, ws, token, tokens, channel, cursor, other } = JSON.parse(process.argv[2]);

/** A document that nobody has sent before: the name is the channel's. */
export const VIEWER = /* GraphQL */ `
  query Viewer_${channel?.replaceAll("-", "")} {
    viewer { user { id name } }
  }
`;
export const SEND = /* GraphQL */ `
  mutation Send($channel: ID!, $content: String!) {
    sendMessage(input: { channelId: $channel, content: $content }) { message { id content } }
  }
`;
export const EVENTS = /* GraphQL */ `
  subscription Events($channel: ID!, $after: String) {
    channelEvents(channelId: $channel, after: $after) {
      __typename
      cursor
      ... on MessageSent { message { id content } }
    }
  }
`;

export const authorization = `Bearer ${token}`;

export function tell(what, value) {
  process.stdout.write(`${JSON.stringify([what, value])}\n`);
}

/** Tells of an event; whether it was the last. */
export function seen(event) {
  tell("event", event.message.content);
  return event.message.content === "last";
}

export const pause = () => new Promise((resolve) => setTimeout(resolve, 50));

/** Follows until the last event. `once(after, next)` is one subscription, which rejects when the line is lost. */
export async function follow(once) {
  let after = cursor;
  for (let isLast = false; !isLast; ) {
    try {
      await once(after, (event) => {
        after = event.cursor;
        isLast = seen(event);
        return isLast;
      });
    } catch {
      tell("lost", null);
      await pause();
    }
  }
}
