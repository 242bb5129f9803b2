"""What the demo tells: a box for people, demo.json for programs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from server.demo import cast
from server.embedded.folder import write_private
from server.embedded.places import Places
from server.graphiql import DemoChannel, DemoPerson

FILE = "demo.json"

CHANNELS = [
    DemoChannel(channel.key, channel.id, str(channel.type)) for channel in cast.CHANNELS.values()
]


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo."""

    data_dir: Path
    address: str
    """Host and port, as they stand in a URL."""
    places: Places
    mongo_database: str
    jwt_secret: str
    people: Sequence[DemoPerson]

    @property
    def graphql_url(self) -> str:
        """Where operations are posted."""
        return f"http://{self.address}/graphql"

    @property
    def websocket_url(self) -> str:
        """Where sockets are opened."""
        return f"ws://{self.address}/graphql"

    @property
    def graphiql_url(self) -> str:
        """Where GraphiQL is."""
        return f"http://{self.address}/graphiql"

    def write(self) -> None:
        """Write demo.json, whole or not at all, for its owner's eyes."""
        content = {
            "graphqlUrl": self.graphql_url,
            "websocketUrl": self.websocket_url,
            "graphiqlUrl": self.graphiql_url,
            "databaseUrl": self.places.database_url,
            "mongoUrl": self.places.mongo_url,
            "mongoDatabase": self.mongo_database,
            "s3Url": self.places.s3_url,
            "s3Bucket": self.places.s3_bucket,
            "s3Region": self.places.s3_region,
            "s3AccessKeyId": self.places.s3_access_key_id,
            "s3SecretAccessKey": self.places.s3_secret_access_key,
            "jwtSecret": self.jwt_secret,
            "users": [
                {
                    "key": person.key,
                    "id": person.id,
                    "name": person.name,
                    "isClient": cast.PEOPLE[person.key].is_client,
                    "token": person.token,
                }
                for person in self.people
            ],
            "channels": [
                {"key": channel.key, "id": channel.id, "type": channel.type} for channel in CHANNELS
            ],
        }
        text = json.dumps(content, indent=2, ensure_ascii=False)
        write_private(self.data_dir / FILE, f"{text}\n")

    def box(self) -> str:
        """What is good to know at a terminal, ready to be copied from."""
        tokens = {person.key: person.token for person in self.people}
        headers = (
            f"-H 'Content-Type: application/json' -H 'Authorization: Bearer {tokens['carol']}'"
        )
        query = '{"query": "{ viewer { user { name } unread { messages } } }"}'
        init = json.dumps(
            {"type": "connection_init", "payload": {"authorization": tokens["carol"]}}
        )
        live = (
            f'subscription {{ messageAdded(channelId: "{cast.CHANNELS["apollo"].id}") '
            "{ content sender { name } } }"
        )
        subscribe = json.dumps({"id": "1", "type": "subscribe", "payload": {"query": live}})
        return "\n".join(
            [
                "Backchannel is ready. Ctrl-C stops it and everything it started.",
                "",
                f"  GraphiQL   {self.graphiql_url}?as=carol",
                f"             {self.graphiql_url}?as=dave   in a second window",
                f"  GraphQL    {self.graphql_url}",
                f"  WebSocket  {self.websocket_url}   graphql-transport-ws",
                f"  All this   {self.data_dir / FILE}   for programs; the logs are beside it",
                "",
                "Who you can be, with a token for seven days",
                "",
                *(
                    f"  {person.key:<6} {person.name}, {cast.PEOPLE[person.key].about}\n"
                    f"         {person.token}"
                    for person in self.people
                ),
                "",
                "With curl",
                "",
                f"  curl {self.graphql_url} {headers} -d '{query}'",
                "",
                "On a socket: connect, then send these two lines",
                "",
                f"  npx wscat -s graphql-transport-ws -c {self.websocket_url}",
                f"  {init}",
                f"  {subscribe}",
                "",
            ]
        )
