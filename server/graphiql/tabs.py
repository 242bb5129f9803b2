"""What stands in GraphiQL's tabs when the page opens."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from server.graphiql.assets import load_operation


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody of the demo's cast, and the token that signs a window in as them."""

    key: str
    id: str
    name: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DemoChannel:
    """A channel of the demo; `key` is its name in the cast, e.g. support-frank."""

    key: str
    id: str
    type: str


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab: an operation of web/graphiql/operations by its name, and its variables."""

    name: str
    variables: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, str]:
        """What the page needs of it; the variables as the text that stands in their editor."""
        variables = json.dumps(self.variables, indent=2, ensure_ascii=False)
        return {
            "name": self.name,
            "query": load_operation(self.name),
            "variables": variables if self.variables else "",
        }


# Where a person's tabs are, the first choice first: in two windows, where both people are.
PLACES = {
    "alice": ["general"],
    "bob": ["support-frank", "general"],
    "carol": ["general"],
    "dave": ["general"],
    "erin": ["general"],
    "frank": ["support-frank"],
}

# A channel that is there, but not for this person. Nothing is kept from alice, the super_admin.
OUT_OF_SIGHT = {
    "bob": "leadership",
    "carol": "sales",
    "dave": "leadership",
    "erin": "leadership",
    "frank": "engineering",
    "grace": "general",
}


def demo_tabs(
    person: DemoPerson, channels: Mapping[str, DemoChannel], beside: str | None = None
) -> list[Tab]:
    """A walk through the API as this person, with real ids.

    `channels` are by their key; `beside` is the key of whoever has the other window.
    """
    tabs = [Tab("WhoAmI"), Tab("MyChannels")]
    home = channels.get(_place(person.key, beside))
    if home:
        here = {"channelId": home.id}
        content = f"Hello from {person.name.split()[0]}!"
        tabs += [
            Tab("History", {**here, "last": 10}),
            Tab("SendMessage", {"input": {**here, "content": content}}),
            Tab("LiveChannel", here),
            Tab("StartTyping", {**here, "isTyping": True}),
            Tab("WhoIsTyping", here),
        ]
    hidden = channels.get(OUT_OF_SIGHT.get(person.key, ""))
    if hidden:
        tabs.append(Tab("Refused", {"input": {"channelId": hidden.id, "content": "May I?"}}))
    elif home:
        tabs.append(Tab("Refused", {"input": {"channelId": home.id, "content": ""}}))
    return tabs


def _place(person: str, beside: str | None) -> str:
    places = PLACES.get(person, [])
    shared = [place for place in places if place in PLACES.get(beside or "", [])]
    return next(iter(shared or places), "")


def plain_tabs() -> list[Tab]:
    """Outside the demo: one tab for whoever brings their own token."""
    return [Tab("Viewer")]
