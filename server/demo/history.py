"""What was said in the demo's company, channel by channel, oldest first."""

from dataclasses import dataclass
from typing import Self

from server.demo.moments import Moment, ago, day


@dataclass(frozen=True, slots=True)
class Message:
    """Something somebody said, and what came of it."""

    at: Moment
    who: str
    text: str
    mentions: tuple[str, ...] = ()
    reactions: tuple[tuple[str, str], ...] = ()
    """Emoji and people, in the order in which they reacted."""
    at_first: str | None = None
    """The text before it was edited."""
    deleted: bool = False
    image: bool = False
    """Whether it carries the picture."""
    read_by: tuple[str, ...] = ()
    """Who has read this far without a word. Who says something or reacts has read it anyway."""
    replies: tuple[Self, ...] = ()


def says(
    at: Moment,
    who: str,
    text: str,
    *replies: Message,
    mentions: str = "",
    reactions: str = "",
    read_by: str = "",
    at_first: str | None = None,
    deleted: bool = False,
    image: bool = False,
) -> Message:
    """A message; people are listed with spaces, reactions as ``🎉 bob carol, 👍 dave``."""
    pairs = [
        (part.split()[0], person)
        for part in reactions.split(",")
        if part
        for person in part.split()[1:]
    ]
    return Message(
        at,
        who,
        text,
        mentions=tuple(mentions.split()),
        reactions=tuple(pairs),
        at_first=at_first,
        deleted=deleted,
        image=image,
        read_by=tuple(read_by.split()),
        replies=replies,
    )


HISTORY: dict[str, list[Message]] = {
    "general": [
        says(
            day(9, "09:02"),
            "alice",
            "Good morning! This is our new home for everything we used to send by e-mail.",
            reactions="🎉 carol erin dave bob, 👋 bob",
        ),
        says(
            day(9, "09:10"), "bob", "Finally. My inbox says thank you.", reactions="😄 dave alice"
        ),
        says(
            day(7, "16:30"),
            "erin",
            "Fairbank signed this afternoon! Three years, all five sites.",
            says(day(7, "16:34"), "alice", "That is huge. Congratulations, Erin!"),
            says(day(7, "16:36"), "carol", "Well deserved. What closed it in the end?"),
            says(
                day(7, "16:41"),
                "erin",
                "The offline mode that @Dave showed them. They did not believe it until he "
                "pulled the cable.",
                mentions="dave",
                reactions="😂 dave carol",
            ),
            reactions="🎉 alice carol dave bob, 🚀 dave, 👏 carol",
        ),
        says(
            day(5, "11:15"),
            "bob",
            "Tomorrow is a holiday in Hamburg, so support is just me. For anything urgent, call.",
            reactions="👍 erin carol",
            read_by="dave",
        ),
        says(
            day(3, "14:00"),
            "dave",
            "The office network is down between 18:00 and 18:20 today, we are replacing the "
            "switch on the second floor.",
            at_first="The office network is down between 18:00 and 18:30 today, we are replacing "
            "the switch on the second floor.",
        ),
        says(
            day(2, "10:05"),
            "alice",
            "@channel The Apollo launch is fixed: the first of next month. Carol has the plan.",
            says(day(2, "10:11"), "carol", "The plan is pinned in #Apollo. Questions go there."),
            says(day(2, "10:30"), "bob", "Is the help centre part of the launch?"),
            says(
                day(2, "10:34"),
                "carol",
                "Yes, with the twenty articles we agreed on, @Bob. I will send you the list.",
                mentions="bob",
                reactions="👍 bob",
            ),
            reactions="🚀 carol erin dave, ❤️ erin",
            read_by="erin bob",
        ),
        says(
            day(1, "17:20"),
            "carol",
            "Welcome party for the two interns on Thursday at five, in the kitchen.",
            reactions="🍕 dave erin, 👍 alice",
        ),
        says(
            ago(95), "bob", "The new coffee machine works. It has an app. Of course it has an app."
        ),
        says(
            ago(88),
            "erin",
            "Then it can join the channel and tell us when it is empty.",
            reactions="😂 bob alice",
            read_by="alice",
        ),
        says(
            ago(35),
            "alice",
            "@channel The numbers are in: our best quarter ever. Details on Friday. Thank you all!",
            reactions="🎉 erin",
        ),
        says(ago(12), "erin", "Does anybody have a charger for the small projector?"),
    ],
    "engineering": [
        says(
            day(8, "09:30"),
            "carol",
            "Goal for this sprint: no query over 50 ms on the portal's first page.",
            reactions="👍 dave",
        ),
        says(
            day(6, "15:12"),
            "dave",
            "Found it. The order list loads every customer separately: 1 + 50 queries a page.",
            says(day(6, "15:15"), "carol", "Classic. Can it be one query with `$in`?"),
            says(
                day(6, "15:48"),
                "dave",
                "Done: 51 queries became 2, the page went from 480 ms to 31 ms.",
                reactions="🔥 carol, 🚀 carol",
            ),
            reactions="👀 carol",
        ),
        says(
            day(4, "10:20"),
            "dave",
            "```sql\nselect * from orders where customer_id = any($1) order by placed_at\n```\n"
            "needs an index on `(customer_id, placed_at)`. I am adding it tonight.",
            reactions="✅ carol",
        ),
        says(
            day(4, "10:26"), "carol", "Use `concurrently`, please. Last time we locked the table."
        ),
        says(day(3, "18:02"), "dave", "The index is there. Nobody noticed, as it should be."),
        says(
            day(2, "11:40"),
            "carol",
            "@Dave, can you look at the failing nightly build? It is the clock test again.",
            says(day(2, "13:05"), "dave", "It fails when the runner is in another time zone."),
            says(day(2, "13:07"), "carol", "So our users in Lisbon would have seen it too?"),
            says(
                day(2, "13:30"),
                "dave",
                "Exactly. Fixed in the code, not in the test.",
                read_by="carol",
            ),
            mentions="dave",
        ),
        says(day(1, "16:00"), "dave", "wrong window, sorry", deleted=True),
        says(
            ago(140),
            "carol",
            "@Dave, the upload service is reviewed, two small remarks. Very nice work.",
            mentions="dave",
            reactions="🙏 dave",
            read_by="dave",
        ),
        says(ago(20), "dave", "Both fixed. Merging after lunch unless somebody shouts."),
    ],
    "sales": [
        says(
            day(8, "08:55"),
            "erin",
            "Pipeline this week: Fairbank (final), Nordlys (demo), Weber (growing).",
        ),
        says(
            day(7, "16:25"),
            "erin",
            "Fairbank is ours. Contract and purchase order are in the shared folder.",
        ),
        says(
            day(1, "12:10"),
            "erin",
            "Notes from Nordlys: they want single sign-on and a price for 200 seats by Friday.",
            read_by="erin",
        ),
    ],
    "apollo": [
        says(
            day(8, "10:00"),
            "carol",
            "Welcome to Apollo. Scope: sign-in, orders, invoices, support chat. Nothing else.",
            reactions="🚀 dave erin",
        ),
        says(
            day(8, "10:12"),
            "erin",
            "Clients keep asking for exports. Is that really out?",
            says(day(8, "10:15"), "carol", "For the launch, yes. It is the first thing after it."),
            says(day(8, "10:18"), "erin", "Good, I can sell that.", reactions="👍 carol"),
        ),
        says(
            day(6, "09:41"),
            "dave",
            "Sign-in works end to end on staging. @Erin, do you want to show it to Nordlys?",
            mentions="erin",
            reactions="🎉 erin, 👍 carol",
        ),
        says(
            day(6, "09:55"),
            "erin",
            "Tomorrow at eleven! Please nobody deploy between 10:30 and 12:00.",
        ),
        says(
            day(5, "12:20"),
            "erin",
            "They loved it. One wish: the invoice list should remember the filter.",
            says(day(5, "12:31"), "dave", "Easy, half a day. I will take it."),
            reactions="🙌 carol dave",
        ),
        says(
            day(3, "09:15"),
            "dave",
            "The filter is remembered now, in the address, so a link to it works as well.",
            reactions="✨ erin",
        ),
        says(
            day(2, "15:30"),
            "carol",
            "Plan until the launch: freeze on Wednesday, load test on Thursday, go on the 1st.",
            reactions="✅ dave erin",
            read_by="erin",
        ),
        says(
            day(1, "10:48"),
            "dave",
            "Load test on staging: 2,000 people at once, and the slowest page stays under 120 ms.",
            says(day(1, "10:52"), "carol", "What is the bump at twelve minutes?"),
            says(
                day(1, "10:57"),
                "dave",
                "The nightly backup, by day. I moved it, and it did not come back.",
                reactions="👏 carol",
            ),
            says(
                day(1, "11:20"),
                "erin",
                "May I use this picture with Nordlys, @Carol?",
                mentions="carol",
            ),
            says(
                day(1, "11:24"), "carol", "Of course. Say that it is staging.", reactions="🙏 erin"
            ),
            image=True,
            reactions="🔥 carol, 🚀 carol erin",
        ),
        says(
            ago(130),
            "erin",
            "Nordlys asks whether the portal speaks Norwegian. @Dave, how much work is that?",
            mentions="dave",
            read_by="dave",
        ),
        says(
            ago(118),
            "dave",
            "The texts are all in one place, so: the translation itself.",
            read_by="carol",
        ),
        says(ago(47), "erin", "Then I will promise it for the second month.", reactions="😅 dave"),
        says(
            ago(9),
            "dave",
            "@Carol, the freeze: does the Norwegian flag in the menu count as a feature?",
            mentions="carol",
        ),
    ],
    "random": [
        says(day(9, "12:05"), "dave", "Lunch poll! Ramen or the Lebanese place?"),
        says(day(9, "12:07"), "bob", "Ramen.", reactions="🍜 alice dave"),
        says(day(9, "12:08"), "carol", "Ramen, but not the loud one."),
        says(
            day(5, "17:45"),
            "bob",
            "I made a playlist of all the songs that were ever played in the office after six.",
            says(day(5, "17:52"), "alice", "Why is the same song in it eleven times?"),
            says(day(5, "17:53"), "bob", "Ask Dave.", reactions="😂 alice carol dave"),
            reactions="🎶 dave",
        ),
        says(
            day(3, "08:50"),
            "alice",
            "There is a dog in the lobby. Its name is Biscuit.",
            reactions="🐶 dave bob",
        ),
        says(
            day(1, "13:10"),
            "dave",
            "The plant on my desk has a new leaf. I repeat: a new leaf.",
            reactions="🌱 alice bob, 👏 alice",
            read_by="alice bob carol",
        ),
        says(ago(60), "bob", "Somebody left an umbrella in the meeting room. Green, with ducks."),
        says(ago(55), "dave", "@here Whose ducks are these?", read_by="dave"),
    ],
    "leadership": [
        says(
            day(6, "08:30"),
            "alice",
            "Two more people for engineering next year, if Apollo goes as planned?",
            says(day(6, "08:44"), "carol", "I would start with one, and somebody for support."),
            says(day(6, "08:46"), "alice", "Let us talk it through on Monday."),
        ),
        says(
            day(2, "18:10"),
            "carol",
            "The budget for the load tests is half of what we planned.",
            reactions="💚 alice",
        ),
        says(
            day(1, "08:15"),
            "alice",
            "Then the offsite is paid for. Mountains or sea?",
            read_by="alice",
        ),
    ],
    "dm-carol-dave": [
        says(day(7, "09:20"), "carol", "Do you have ten minutes before the stand-up?"),
        says(day(7, "09:21"), "dave", "Sure, I am at my desk."),
        says(day(4, "17:30"), "dave", "Thank you for backing me on the index today."),
        says(
            day(4, "17:33"),
            "carol",
            "You were right, that is all.",
            reactions="❤️ dave",
            read_by="carol dave",
        ),
        says(ago(75), "dave", "I would like to take Friday off. Erin knows, nothing is open."),
        says(ago(72), "carol", "Enjoy it! Who has the pager?", reactions="☀️ dave", read_by="dave"),
        says(ago(70), "dave", "Bob, he said he misses it.", reactions="😂 carol", read_by="carol"),
        says(ago(5), "carol", "One more thing: could you show the interns the deploy on Thursday?"),
    ],
    "support-frank": [
        says(
            day(4, "13:02"),
            "frank",
            "Hello, since this morning our drivers cannot open the delivery notes from last week.",
        ),
        says(
            day(4, "13:06"),
            "bob",
            "Hello @Frank, thank you for telling us. Is it all of them, or one site?",
            mentions="frank",
        ),
        says(day(4, "13:09"), "frank", "Only Hamburg, as far as I can see."),
        says(
            day(4, "13:40"),
            "bob",
            "Found it: a certificate had expired there. It is renewed; please try once more.",
            reactions="🙏 frank",
        ),
        says(
            day(4, "13:52"),
            "frank",
            "Works again. That was quick!",
            reactions="👍 bob",
            read_by="frank",
        ),
        says(
            day(1, "15:15"),
            "bob",
            "For your records: we now get a warning thirty days before a certificate ends.",
            read_by="bob",
        ),
        says(ago(26), "frank", "Very good. Another question: can two people share one login?"),
        says(ago(25), "frank", "It is for our weekend shift."),
        says(
            ago(16),
            "bob",
            "@Frank they can, but logins cost nothing: one for each is better. Shall I make them?",
            mentions="frank",
        ),
    ],
    "support-grace": [
        says(ago(40), "bob", "Welcome, Grace! Whatever it is, write to us here."),
    ],
}
