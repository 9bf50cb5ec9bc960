"""Whatever people do, the log, the store, REST and a client that only saw events agree.

A Hypothesis machine drives three people over real sockets; at the end the fold of
the log is compared with everything that was made of it.
"""

import asyncio
import threading
import uuid
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from chat.events import (
    MessageAcknowledged,
    MessageDeleted,
    MessageEdited,
    MessageFlagged,
    MessagePinned,
    MessagePreviewed,
    MessageSent,
    MessageUnpinned,
    PollChanged,
    ReactionAdded,
    ReactionRemoved,
)
from chat.fold import Follow, MessageState, Pin, Pins, Reacted, Stamped, Tallies, apply, follow, pin, pin_of, react
from chat.protocol import message_event, pin_change, reaction_event
from chatsite.accounts.events import PersonStateChanged
from chatsite.kernel.events import Fact, Record
from tests.bots import Bot, bot
from tests.inside import Inside, looking_into
from tests.installations import SHARED
from tests.world import Device, Frame, Server, World

T = TypeVar("T")
PEOPLE = ("ada", "ben", "cyd")
EXAMPLES = 4 if SHARED else 8  # each takes five seconds of servers
somebody = st.sampled_from(PEOPLE)
some_message = st.integers(min_value=0, max_value=10**6)  # counted round: which of those that were sent
COMMAND = {"name": "help", "description": "Helps", "usage": "WITH WHAT"}
LATER, MUCH_LATER = ((datetime.now(UTC) + timedelta(days=days)).isoformat() for days in (30, 60))
some_name = st.sampled_from(["Hello", "Thanks"])
some_emoji = st.sampled_from(["👍", "🎉", "❤️"])
States = dict[int, MessageState]
Votes = dict[int, dict[str, list[int]]]  # of each poll, what everybody chose
Previews = dict[int, list[Frame]]  # of each message that shows what it links
Given = dict[int, dict[str, list[str]]]  # of each message that was given an emoji, by whom


def folded(happened: Iterable[Stamped]) -> States:
    """Messages as their events leave them."""
    states: States = {}
    for one in happened:
        message = int(one.event.message_id)
        states[message] = apply(states.get(message), one)
    return states


def given(reacted: Iterable[Reacted], states: States) -> Given:
    """Reactions as their events leave them; a deleted message shows none."""
    tallies: dict[int, Tallies] = {}
    for one in reacted:
        message = int(one.event.message_id)
        tallies[message] = react(tallies.get(message, {}), one.event)
    shown = {
        message: {emoji: list(tally.users) for emoji, tally in found.items() if tally.given}
        for message, found in tallies.items()
        if not states[message].is_deleted
    }
    return {message: found for message, found in shown.items() if found}


def pinned(changes: Iterable[Pin], states: States) -> list[int]:
    """The pinned messages, the latest pin first; a deleted one is pinned no longer."""
    pins: Pins = {}
    for one in changes:
        pins = pin(pins, one)
    latest = sorted(pins.values(), key=lambda one: one.version, reverse=True)
    return [one.message_id for one in latest if one.pinned and not states[one.message_id].is_deleted]


def previewed(changes: Iterable[tuple[int, int, int, list[Frame]]], states: States) -> Previews:
    """What is shown of links; of each change its version, the message, the version of its text, and what it leads to.

    What was made of another text than a message has now is not of it.
    """
    latest = {message: (text, previews) for _, message, text, previews in sorted(changes, key=lambda one: one[0])}
    return {
        message: previews
        for message, (text, previews) in latest.items()
        if previews and text == states[message].version and not states[message].is_deleted
    }


class Agreement(RuleBasedStateMachine):
    """One chat of three people, each with a phone."""

    server: Server
    inside: Inside
    page: str  # that there is something to show of
    program: Bot | None = None

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.phones: dict[str, Device] = {}
        self.sent: list[str] = []
        self.threads: dict[str, str] = {}  # of each message that is in a thread, what that is under
        self.votes: Votes = {}
        self.deleted: set[str] = set()
        self.closed: set[int] = set()  # which polls nobody votes in any more
        self.hook: str | None = None  # where a program says something
        self.asks_bot = False
        self.noted: dict[int, set[str]] = {}  # who took note of each message that asks for it
        self.planned: list[tuple[str, str]] = []  # who wants to say something later, and its id
        self.templates: dict[str, tuple[str, str]] = {}  # of each of the chat's by its name, id and text
        self.reported: dict[int, set[str]] = {}  # who reported each message to staff
        self.linking: dict[str, str] = {}  # who said each message that links a page
        self.bare: set[str] = set()  # which of them were to show nothing of it
        self.do(self._open())

    def do(self, work: Awaitable[T]) -> T:
        """Run something of the world in this machine's own loop."""

        async def run() -> T:
            return await work

        return self.runner.run(run())

    async def _open(self) -> None:
        self.world = await self.stack.enter_async_context(World(self.server))
        self.chat = await self.world.chat(PEOPLE)
        await self.world.rest("ada", "PATCH", f"/api/chats/{self.chat}", {"link_previews": True})
        for name in PEOPLE:
            self.phones[name] = await self.stack.enter_async_context(self.world.connect(name, self.chat))

    @rule(who=somebody, text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1))
    def say(self, who: str, text: str) -> None:
        """Somebody says something; what is only white space is refused."""
        self._say(who, text[:200])

    @precondition(lambda self: self.sent)
    @rule(who=somebody, which=some_message, whom=somebody)
    def answer(self, who: str, which: int, whom: str) -> None:
        """Somebody answers a message and names somebody."""
        fields = {"replyToId": self._pick(which), "mentions": [self.do(self.world.id(whom))]}
        answer = self.do(self.phones[who].say(self.chat, "see above", **fields))
        self.sent.append(answer.body["messageId"])

    @precondition(lambda self: self.sent)
    @rule(who=somebody, which=some_message, whom=somebody)
    def reply_in_a_thread(self, who: str, which: int, whom: str) -> None:
        """Somebody says something under a message and names somebody; not in a thread of a thread."""
        root, named = self._pick(which), self.do(self.world.id(whom))
        root = self.threads.get(root, root)
        answer = self.do(self.phones[who].say(self.chat, "aside", threadId=root, mentions=[named]))
        assert answer.code in (None, "conflict")
        if answer.code is None:
            self.sent.append(answer.body["messageId"])
            self.threads[answer.body["messageId"]] = root

    @rule(who=somebody, whom=st.sampled_from(["all", "here"]))
    def name_several(self, who: str, whom: str) -> None:
        """Somebody names everybody, or who is here, which only its owner may."""
        answer = self.do(self.phones[who].say(self.chat, f"@{whom}", mentions=[whom]))
        assert answer.code == (None if who == "ada" else "forbidden")
        if answer.code is None:
            self.sent.append(answer.body["messageId"])

    @rule(who=somebody, anonymous=st.booleans())
    def ask_all(self, who: str, anonymous: bool) -> None:
        """Somebody asks everybody to choose."""
        poll = {"options": ["yes", "no"], "anonymous": anonymous}
        answer = self.do(self.phones[who].say(self.chat, "shall we?", poll=poll))
        self.sent.append(answer.body["messageId"])
        self.votes[int(answer.body["messageId"])] = {}

    @rule(who=somebody)
    def warn_all(self, who: str) -> None:
        """Somebody asks everybody to take note."""
        answer = self.do(self.phones[who].say(self.chat, "it burns", important=True))
        self.sent.append(answer.body["messageId"])
        self.noted[int(answer.body["messageId"])] = set()

    @precondition(lambda self: self.votes)
    @rule(who=somebody, which=some_message, choices=st.sampled_from([[], [0], [1]]))
    def vote(self, who: str, which: int, choices: list[int]) -> None:
        """Somebody votes, otherwise than before perhaps, or takes it back; not where it is deleted."""
        poll = sorted(self.votes)[which % len(self.votes)]
        fields = {"roomId": self.chat, "messageId": str(poll), "choices": choices}
        answer = self.do(self.phones[who].ask("VOTE", **fields))
        assert answer.code == ("conflict" if poll in self.closed or str(poll) in self.deleted else None)
        if answer.code is None:
            self.votes[poll][who] = choices

    @precondition(lambda self: self.votes)
    @rule(who=somebody, which=some_message)
    def close(self, who: str, which: int) -> None:
        """Whoever asked ends it, or the owner; not where it is deleted."""
        poll = sorted(self.votes)[which % len(self.votes)]
        answer = self.do(self.phones[who].ask("CLOSE_POLL", roomId=self.chat, messageId=str(poll)))
        if str(poll) in self.deleted:
            assert answer.code in ("conflict", "forbidden")
        elif who == "ada":
            assert answer.code in ("conflict" if poll in self.closed else None, None)
        if answer.code is None:
            self.closed.add(poll)

    @rule(times=st.integers(min_value=1, max_value=2))
    def post(self, times: int) -> None:
        """A program says something at an address of its own, again perhaps, which is said once."""
        if self.hook is None:
            made = self.do(self.world.rest("ada", "POST", f"/api/chats/{self.chat}/webhooks", {"name": "Builder"}))
            self.hook = str(made.body["path"])
        once = {"Idempotency-Key": uuid.uuid4().hex}
        said = {
            self.do(self.world.rest(None, "POST", self.hook, {"text": "it is built"}, headers=once)).body["id"]
            for _ in range(times)
        }
        self.sent += said
        assert len(said) == 1

    @rule(who=somebody, private=st.booleans())
    def ask_a_bot(self, who: str, private: bool) -> None:
        """Somebody asks a bot, which answers everybody or them alone."""
        program = self._program()
        phone, body = self.phones[who], {"content": "here you are", "private": private}
        asked = self.do(phone.ask("INVOKE", roomId=self.chat, command=COMMAND["name"], text="please"))
        assert asked.code is None, asked.body
        path = f"/api/invocations/{asked.body['invocationId']}/answers"
        answer = self.do(program.ask("POST", path, body))
        assert answer.status == 201
        if private:
            self.do(phone.until(lambda one: one.get("kind") == "answer" and one["state"]["id"] == answer.body["id"]))
        else:
            self.sent.append(answer.body["id"])

    @precondition(lambda self: self.noted)
    @rule(who=somebody, which=some_message)
    def acknowledge(self, who: str, which: int) -> None:
        """Somebody takes note of a message that asks for it; not of their own, nor of what is deleted."""
        message = sorted(self.noted)[which % len(self.noted)]
        answer = self.do(self.phones[who].ask("ACKNOWLEDGE", roomId=self.chat, messageId=str(message)))
        assert answer.code in (None, "conflict", "forbidden")
        if answer.code is None:
            self.noted[message].add(who)

    @precondition(lambda self: self.sent)
    @rule(who=somebody, which=some_message)
    def forward(self, who: str, which: int) -> None:
        """Somebody says again what was said here; not what is deleted."""
        fields = {"roomId": self.chat, "messageId": self._pick(which), "to": [self.chat]}
        answer = self.do(self.phones[who].ask("FORWARD", **fields))
        assert answer.code in (None, "conflict")
        if answer.code is None:
            self.sent.append(answer.body["to"][0]["messageId"])

    @precondition(lambda self: self.sent)
    @rule(who=somebody, which=some_message, back=st.booleans())
    def star(self, who: str, which: int, back: bool) -> None:
        """Somebody stars a message for themselves, or takes the star away."""
        fields = {"roomId": self.chat, "messageId": self._pick(which)}
        assert self.do(self.phones[who].ask("UNSTAR" if back else "STAR", **fields)).code in (None, "conflict")

    @precondition(lambda self: self.sent)
    @rule(who=somebody, which=some_message)
    def remind(self, who: str, which: int) -> None:
        """Somebody wants to be reminded of a message; not of what is deleted."""
        path = f"/api/chats/{self.chat}/messages/{self._pick(which)}/reminders"
        assert self.do(self.world.rest(who, "POST", path, {"remind_at": LATER})).code in (None, "conflict")

    @rule(who=somebody)
    def plan(self, who: str) -> None:
        """Somebody wants to say something in a month."""
        body = {"content": f"in a month, after {len(self.sent)}", "send_at": LATER}
        planned = self.do(self.world.rest(who, "POST", f"/api/chats/{self.chat}/scheduled", body))
        assert planned.status == 201
        self.planned.append((who, planned.body["id"]))

    @precondition(lambda self: self.planned)
    @rule(which=some_message, back=st.booleans())
    def plan_otherwise(self, which: int, back: bool) -> None:
        """They want to say it in two months, or not at all; what is said no more cannot be changed."""
        who, planned = self.planned[which % len(self.planned)]
        method, body = ("DELETE", None) if back else ("PATCH", {"send_at": MUCH_LATER})
        answer = self.do(self.world.rest(who, method, f"/api/me/scheduled/{planned}", body))
        assert answer.status in (200, 204) or answer.code == "not_found"

    @rule(who=somebody, back=st.booleans())
    def file(self, who: str, back: bool) -> None:
        """Somebody puts the chat into their folder, or takes it out."""
        made = self.do(self.world.rest(who, "POST", "/api/me/folders", {"name": "Work"}))
        assert made.code in (None, "conflict")
        folders = self.do(self.world.rest(who, "GET", "/api/me/folders")).body["folders"]
        (work,) = [one["id"] for one in folders if one["name"] == "Work"]
        body = {"folder_id": None if back else work}
        assert self.do(self.world.rest(who, "PUT", f"/api/chats/{self.chat}/folder", body)).status == 200

    @rule(who=somebody, name=some_name)
    def make_template(self, who: str, name: str) -> None:
        """Somebody makes a template of the chat, which only its owner may, and of a name only once."""
        content = f"Dear {{name}}, so far {len(self.sent)}"
        body = {"name": name, "content": content, "chat_id": self.chat}
        made = self.do(self.world.rest(who, "POST", "/api/templates", body))
        assert made.code == ("forbidden" if who != "ada" else "conflict" if name in self.templates else None)
        if made.code is None:
            self.templates[name] = (made.body["id"], content)

    @precondition(lambda self: self.templates)
    @rule(who=somebody, name=some_name, back=st.booleans())
    def change_template(self, who: str, name: str, back: bool) -> None:
        """Somebody changes one, or takes it away, which only the owner may."""
        template, _ = self.templates.get(name, ("", ""))
        content = f"Bye {{name}}, so far {len(self.sent)}"
        path, body = f"/api/templates/{template}", None if back else {"content": content}
        if template:
            answer = self.do(self.world.rest(who, "DELETE" if back else "PATCH", path, body))
            assert answer.code == (None if who == "ada" else "forbidden")
        if template and who == "ada":
            self.templates.pop(name)
            self.templates |= {} if back else {name: (template, content)}

    @precondition(lambda self: self.templates)
    @rule(who=somebody, name=some_name)
    def say_a_template(self, who: str, name: str) -> None:
        """Somebody fills in a template and says it."""
        if name in self.templates:
            template, content = self.templates[name]
            path = f"/api/templates/{template}/filled"
            filled = self.do(self.world.rest(who, "POST", path, {"values": {"name": "Ben"}}))
            assert filled.body == {"content": content.format(name="Ben")}
            self._say(who, filled.body["content"])

    @precondition(lambda self: self.sent)
    @rule(who=somebody, which=some_message)
    def report(self, who: str, which: int) -> None:
        """Somebody reports a message to staff, which is once however often they ask; not what is deleted."""
        fields = {"roomId": self.chat, "messageId": self._pick(which), "reason": "spam"}
        answer, again = [self.do(self.phones[who].ask("FLAG_MESSAGE", **fields)) for _ in range(2)]
        assert answer.code == ("conflict" if fields["messageId"] in self.deleted else None)
        assert (again.code, again.body.get("flagId")) == (answer.code, answer.body.get("flagId"))
        if answer.code is None:
            self.reported.setdefault(int(fields["messageId"]), set()).add(who)

    @rule(who=somebody)
    def link(self, who: str) -> None:
        """Somebody links a page."""
        answer = self.do(self.phones[who].say(self.chat, f"look: {self.page}"))
        self.sent.append(answer.body["messageId"])
        self.linking[answer.body["messageId"]] = who

    @precondition(lambda self: self.linking)
    @rule(which=some_message)
    def link_again(self, which: int) -> None:
        """Who linked a page says it in other words."""
        message, who = list(self.linking.items())[which % len(self.linking)]
        fields = {"roomId": self.chat, "messageId": message, "content": f"look once more: {self.page}"}
        answer = self.do(self.phones[who].ask("EDIT_MESSAGE", **fields))
        assert answer.code == ("conflict" if message in self.deleted else None)

    @precondition(lambda self: self.linking)
    @rule(who=somebody, which=some_message)
    def take_previews_away(self, who: str, which: int) -> None:
        """Who linked a page, or the owner, shows nothing of it any more; not where it is deleted."""
        message = list(self.linking)[which % len(self.linking)]
        path = f"/api/chats/{self.chat}/messages/{message}/previews"
        answer = self.do(self.world.rest(who, "DELETE", path))
        may = who in ("ada", self.linking[message])
        assert answer.code == ("conflict" if message in self.deleted else None if may else "forbidden")
        if answer.code is None:
            self.bare.add(message)

    @rule(who=somebody, what=st.sampled_from(["draft", "favourite"]), back=st.booleans())
    def keep(self, who: str, what: str, back: bool) -> None:
        """Somebody begins to write or makes the chat a favourite, or takes that back."""
        method, body = ("DELETE", None) if back else ("PUT", {"content": f"so far {len(self.sent)}"})
        answer = self.do(self.world.rest(who, method, f"/api/chats/{self.chat}/{what}", body))
        assert answer.status in (200, 204)

    @rule(who=somebody, level=st.sampled_from(["all", "mentions", "nothing"]))
    def choose_level(self, who: str, level: str) -> None:
        """Somebody says what of the chat they want to be notified of."""
        body = {"level": level}
        assert self.do(self.world.rest(who, "PUT", f"/api/chats/{self.chat}/notifications", body)).status == 200

    @precondition(lambda self: self.threads)
    @rule(who=somebody, which=some_message, back=st.booleans())
    def follow_a_thread(self, who: str, which: int, back: bool) -> None:
        """Somebody follows a thread, or does no longer."""
        fields = {"roomId": self.chat, "threadId": self._pick_reply(which)[1]}
        assert self.do(self.phones[who].ask("UNFOLLOW_THREAD" if back else "FOLLOW_THREAD", **fields)).code is None

    @precondition(lambda self: self.threads)
    @rule(who=somebody, which=some_message, back=st.booleans())
    def read_a_thread(self, who: str, which: int, back: bool) -> None:
        """Somebody has read a thread up to a message, or marks it unread again."""
        message, root = self._pick_reply(which)
        fields = {"roomId": self.chat, "threadId": root, "messageId": message, "unread": back}
        assert self.do(self.phones[who].ask("READ", **fields)).code is None

    @precondition(lambda self: self.sent)
    @rule(who=somebody, which=some_message)
    def edit(self, who: str, which: int) -> None:
        """Somebody edits a message, which only its author may."""
        fields = {"roomId": self.chat, "messageId": self._pick(which), "content": f"edited by {who}"}
        assert self.do(self.phones[who].ask("EDIT_MESSAGE", **fields)).code in (None, "forbidden", "conflict")

    @precondition(lambda self: self.sent)
    @rule(who=somebody, which=some_message)
    def delete(self, who: str, which: int) -> None:
        """Somebody deletes a message: their own, or any as its owner."""
        fields = {"roomId": self.chat, "messageId": self._pick(which), "reason": "why not"}
        answer = self.do(self.phones[who].ask("DELETE_MESSAGE", **fields))
        assert answer.code in (None, "conflict") if who == "ada" else answer.code in (None, "forbidden", "conflict")
        if answer.code is None:
            self.deleted.add(fields["messageId"])

    @precondition(lambda self: self.sent)
    @rule(who=somebody, which=some_message, emoji=some_emoji, back=st.booleans())
    def react(self, who: str, which: int, emoji: str, back: bool) -> None:
        """Somebody gives a message an emoji, or takes it back."""
        fields = {"roomId": self.chat, "messageId": self._pick(which), "emoji": emoji}
        answer = self.do(self.phones[who].ask("UNREACT" if back else "REACT", **fields))
        assert answer.code == ("conflict" if fields["messageId"] in self.deleted else None)

    @precondition(lambda self: self.sent)
    @rule(who=somebody, which=some_message, back=st.booleans())
    def pin(self, who: str, which: int, back: bool) -> None:
        """Somebody pins a message or takes its pin away, which only its owner may."""
        fields = {"roomId": self.chat, "messageId": self._pick(which)}
        answer = self.do(self.phones[who].ask("UNPIN" if back else "PIN", **fields))
        assert answer.code in (None, "conflict") if who == "ada" else answer.code == "forbidden"

    @precondition(lambda self: self.sent)
    @rule(who=somebody, which=some_message, back=st.booleans())
    def read(self, who: str, which: int, back: bool) -> None:
        """Somebody has read up to a message, or marks it unread again."""
        body = {"message_id": self._pick(which), "unread": back}
        assert self.do(self.world.rest(who, "PUT", f"/api/chats/{self.chat}/read", body)).status == 200

    @rule(who=somebody)
    def look(self, who: str) -> None:
        """Somebody looks at their chats, which counts what is unread."""
        assert self.do(self.world.rest(who, "GET", f"/api/chats/{self.chat}")).status == 200

    @rule(who=somebody)
    def reconnect(self, who: str) -> None:
        """A phone breaks off and comes back."""

        async def again() -> None:
            await self.phones[who].cut()
            await self.phones[who].resume()

        self.do(again())

    def teardown(self) -> None:
        """Everybody agrees, what is left would be in others' way, and the loop ends."""
        try:
            self.do(self._agree())
        finally:
            self.do(self._leave_nothing())
            self.do(self.stack.aclose())
            self.runner.close()

    async def _leave_nothing(self) -> None:
        for who, planned in self.planned:
            await self.world.rest(who, "DELETE", f"/api/me/scheduled/{planned}")
        for who in PEOPLE:
            for folder in (await self.world.rest(who, "GET", "/api/me/folders")).body["folders"]:
                if folder["name"] == "Work":
                    await self.world.rest(who, "DELETE", f"/api/me/folders/{folder['id']}")

    def _program(self) -> Bot:
        """The bot of all examples, let into this one's chat."""
        made = type(self).program
        if made is None:
            made = type(self).program = self.do(bot(self.world, "helper"))
            self.do(made.ask("PUT", "/api/me/commands", {"commands": [COMMAND]}))
        program = replace(made, world=self.world)
        if not self.asks_bot:
            path = f"/api/chats/{self.chat}/participants"
            self.asks_bot = self.do(self.world.rest("ada", "POST", path, {"user_id": program.id})).status == 201
        return program

    def _say(self, who: str, text: str) -> None:
        answer = self.do(self.phones[who].say(self.chat, text))
        if answer.code is None:
            self.sent.append(answer.body["messageId"])

    def _pick(self, which: int) -> str:
        return self.sent[which % len(self.sent)]

    def _pick_reply(self, which: int) -> tuple[str, str]:
        """A message that is in a thread, and the one above."""
        return list(self.threads.items())[which % len(self.threads)]

    async def _agree(self) -> None:
        last = await self.phones["ada"].say(self.chat, "the end")
        pos = last.body["pos"]
        truth = folded(self._logged())
        reactions = given(self._reacted(), truth)
        rest = await self.world.history("ben", self.chat, at_least=pos)
        assert {int(one["id"]): _shown(one) for one in rest} == {key: _state(one) for key, one in truth.items()}
        assert _named(rest) == reactions
        await self._agree_on_answers(rest)
        pins = pinned((pin_of(fact.payload, fact.version) for fact in self._pin_facts()), truth)
        listed = (await self.world.rest("ben", "GET", f"/api/chats/{self.chat}/pins")).body["pins"]
        assert [int(one["message"]["id"]) for one in listed] == pins
        await self.world.until("ada", f"/api/chats/{self.chat}/messages?limit=1", lambda page: self._is_stored(pos))
        assert self._stored() == {key: _state(one) for key, one in truth.items()}
        assert _named(await self.world.history("cyd", self.chat)) == reactions
        await self._agree_on_reports()
        await self._agree_on_previews(truth)
        for phone in self.phones.values():
            await phone.heard_until(self.chat, lambda heard: bool(heard) and heard[-1]["pos"] >= pos)
            believed = folded(_events(phone.heard[self.chat]))
            assert {key: _state(one) for key, one in believed.items()} == {k: _state(one) for k, one in truth.items()}
            assert pinned(_pins(phone.heard[self.chat]), believed) == pins
            assert given(_reactions(phone.heard[self.chat]), believed) == reactions
            self._agree_with(phone)
        newest, chat = last.body["messageId"], f"/api/chats/{self.chat}"
        for name in PEOPLE:
            await self._agree_on_unread(name, truth)
            await self._agree_on_threads(name, truth)
            await self._agree_on_ones_own(name, truth)
        # And again once the lists and inboxes have caught up.
        await self.world.until("ada", chat, lambda body: (body["last_message"] or {}).get("id") == newest)
        for name in PEOPLE:
            await self._agree_on_unread(name, truth)
            await self._agree_on_threads(name, truth)

    async def _agree_on_answers(self, rest: Iterable[Frame]) -> None:
        """What was voted and taken note of is so in REST, in the log and for whoever heard it."""
        ids = {name: await self.world.id(name) for name in PEOPLE}
        there = {int(one["id"]): one for one in rest if not one["is_deleted"]}
        voted, noted = self._voted(), self._noted()
        for message in self.votes.keys() & there.keys():
            assert there[message]["poll"]["is_closed"] == (message in self.closed)
            chosen = {ids[name]: choices for name, choices in self.votes[message].items() if choices}
            poll = there[message]["poll"]
            counts = [sum(option in choices for choices in chosen.values()) for option in range(2)]
            assert ([one["count"] for one in poll["options"]], poll["voters"]) == (counts, len(chosen))
            assert voted.get(message, [0, 0]) == counts
            named = {user for one in poll["options"] for user in one["user_ids"]}
            assert named == (set() if poll["anonymous"] else chosen.keys())
        for message in self.noted.keys() & there.keys():
            users = {ids[name] for name in self.noted[message]}
            assert set(there[message]["acknowledgements"]["user_ids"]) == noted.get(message, set()) == users

    async def _agree_on_reports(self) -> None:
        """Staff's services hear of each report once, and nobody in the chat does."""
        ids = {name: await self.world.id(name) for name in PEOPLE}
        expected = sorted((message, ids[name]) for message, names in self.reported.items() for name in names)
        # The fact of a report goes to the log after its answer.
        path = f"/api/chats/{self.chat}"
        await self.world.until("ada", path, lambda _: len(self._reports()) >= len(expected))
        assert sorted(self._reports()) == expected
        assert not [frame for phone in self.phones.values() for frame in phone.heard[self.chat] if "flagId" in frame]

    async def _agree_on_previews(self, truth: States) -> None:
        """What links lead to is read sooner or later, and then the same to all."""
        links = {int(message) for message in self.linking.keys() - self.bare}
        there = {one.message_id for one in truth.values() if not one.is_deleted and self.page in one.content} & links
        path = f"/api/chats/{self.chat}/messages"
        for message in there:
            await self.world.until("ben", f"{path}/{message}", lambda body: body["previews"])
        rest = await self.world.history("ben", self.chat)
        shown = {int(one["id"]): one["previews"] for one in rest if one["previews"]}
        assert shown.keys() == there
        assert previewed(self._previews(), truth) == shown
        for phone in self.phones.values():
            await phone.heard_until(self.chat, lambda heard: previewed(_previews(heard), truth) == shown)

    def _agree_with(self, phone: Device) -> None:
        """What a phone heard of votes and notes is what the log says of them."""
        polls = sorted((one for one in phone.heard[self.chat] if one["type"] == "POLL"), key=lambda one: one["version"])
        assert {int(one["messageId"]): one["counts"] for one in polls} == self._voted()
        assert {int(one["messageId"]) for one in polls if one["closed"]} == self.closed
        notes = [one for one in phone.heard[self.chat] if one["type"] == "ACKNOWLEDGED"]
        heard: dict[int, set[str]] = {}
        for one in notes:
            heard.setdefault(int(one["messageId"]), set()).add(one["userId"])
        assert heard == self._noted()

    async def _agree_on_threads(self, name: str, truth: States) -> None:
        me, follows = await self.world.id(name), self._follows(await self.world.id(name))
        expected, latest = {}, {}
        for root in {one.thread_id for one in truth.values() if one.thread_id is not None}:
            replies = [one for one in truth.values() if one.thread_id == root]
            page = (await self.world.rest(name, "GET", f"/api/chats/{self.chat}/messages/{root}/thread?limit=100")).body
            assert [int(one["id"]) for one in page["messages"]] == sorted(one.message_id for one in replies)
            there, mine = [one for one in replies if not one.is_deleted], follows.get(root, Follow(False, 0, 0))
            left = [one for one in there if one.sender_id != me and (one.pos or 0) > mine.read_pos]
            if there or mine.following:
                expected[root] = (len(there), len(left) if mine.following else 0, mine.following)
                assert page["root"]["thread"]["participants"] == _first_said(there)
            if mine.following and not truth[root].is_deleted:
                latest[root] = max((one.message_id for one in there), default=root)
        history = await self.world.history(name, self.chat)
        assert {int(one["id"]): _numbers(one) for one in history if one["thread"]} == expected
        listed = (await self.world.rest(name, "GET", "/api/me/threads?limit=100")).body["threads"]
        mine_here = {int(one["id"]): _numbers(one) for one in listed if one["chat_id"] == self.chat}
        assert mine_here == {root: expected[root] for root in latest}
        assert list(mine_here) == sorted(latest, key=lambda root: -latest[root])

    async def _agree_on_ones_own(self, name: str, truth: States) -> None:
        """Stars, reminders, plans, templates, drafts and what one chose of the chat are as the facts leave them."""
        chat, own = f"/api/chats/{self.chat}", self._own(await self.world.id(name))
        there = {str(one.message_id) for one in truth.values() if not one.is_deleted}
        stars = {state["messageId"] for (kind, _), state in own.items() if kind == "star" and state["starred"]}
        listed = (await self.world.rest(name, "GET", f"{chat}/stars")).body["message_ids"]
        assert set(listed) & there == stars & there
        reminders = {
            state["id"] for (kind, _), state in own.items() if kind == "reminder" and state["messageId"] in there
        }
        waiting = (await self.world.rest(name, "GET", "/api/me/reminders")).body["reminders"]
        assert {one["id"] for one in waiting if one["chat_id"] == self.chat} == reminders
        planned = [state for (kind, _), state in own.items() if kind == "scheduled" and state["state"] == "waiting"]
        listed = (await self.world.rest(name, "GET", "/api/me/scheduled")).body["scheduled"]
        mine = {(one["id"], moment(one["send_at"])) for one in listed if one["chat_id"] == self.chat}
        assert mine == {(one["id"], moment(one["sendAt"])) for one in planned}
        listed = (await self.world.rest(name, "GET", f"/api/templates?chat={self.chat}")).body["templates"]
        ours = {one["name"]: (one["id"], one["content"]) for one in listed if one["chat_id"] == self.chat}
        assert ours == self.templates
        drafts = (await self.world.rest(name, "GET", "/api/me/drafts")).body["drafts"]
        draft = own.get(("draft", self.chat), {"content": None})["content"]
        assert [one["content"] for one in drafts if one["chat_id"] == self.chat] == ([draft] if draft else [])
        shown = (await self.world.rest(name, "GET", chat)).body
        assert shown["is_favourite"] == own.get(("favourite", self.chat), {"favourite": False})["favourite"]
        assert shown["folder_id"] == own.get(("folder", self.chat), {"folderId": None})["folderId"]
        assert shown["notification_level"] == own.get(("mute", self.chat), {"level": "all"})["level"]

    async def _agree_on_unread(self, name: str, truth: States) -> None:
        me, path = await self.world.id(name), f"/api/chats/{self.chat}"
        shown = (await self.world.rest(name, "GET", path)).body
        read_pos = self._read_pos(me)
        unread = [
            one
            for one in truth.values()
            if one.sender_id != me
            and not one.is_deleted
            and one.pos is not None
            and one.pos > read_pos
            and one.thread_id is None
        ]
        assert shown["unread"] == min(100, len(unread))
        assert shown["mentions"] == sum(1 for one in unread if {me, "all"} & {*one.mentions})
        why = (await self.world.rest(name, "GET", f"{path}/unread/why")).body
        assert [int(one["id"]) for one in why["messages"]] == sorted(one.message_id for one in unread)
        async with self.world.connect(name) as laptop:
            await laptop.send({"type": "SUBSCRIBE", "ref": "all", "rooms": "all"})
            mine = (await laptop.expect("SUBSCRIBED_ALL"))["rooms"][self.chat]
            assert (mine["unread"], mine["mentions"]) == (shown["unread"], shown["mentions"])

    # --- what log and store say

    def _facts(self, key: str) -> list[tuple[Fact, int]]:
        records = [
            Record(partition=0, offset=0, pos=one["pos"], key=key, event_type=one["type"],
                   event_id="", value=one["value"].encode(), appended_ms=0)
            for one in self.inside.ask("facts", key)
        ]  # fmt: skip
        return [(record.fact, record.pos) for record in records]

    def _logged(self) -> list[Stamped]:
        return [
            Stamped(fact.payload, fact.version, pos)
            for fact, pos in self._facts(self.chat)
            if isinstance(fact.payload, MessageSent | MessageEdited | MessageDeleted)
        ]

    def _reacted(self) -> list[Reacted]:
        return [
            Reacted(fact.payload, fact.version)
            for fact, _ in self._facts(self.chat)
            if isinstance(fact.payload, ReactionAdded | ReactionRemoved)
        ]

    def _pin_facts(self) -> list[Fact]:
        return [fact for fact, _ in self._facts(self.chat) if isinstance(fact.payload, MessagePinned | MessageUnpinned)]

    def _voted(self) -> dict[int, list[int]]:
        """How often each option of a poll was chosen, as the latest version says; of those that were voted in."""
        changes = [fact for fact, _ in self._facts(self.chat) if isinstance(fact.payload, PollChanged)]
        latest = sorted(changes, key=lambda fact: fact.version)
        return {int(fact.payload.message_id): fact.payload.counts for fact in latest}

    def _noted(self) -> dict[int, set[str]]:
        noted: dict[int, set[str]] = {}
        for fact, _ in self._facts(self.chat):
            if isinstance(fact.payload, MessageAcknowledged):
                noted.setdefault(int(fact.payload.message_id), set()).add(fact.payload.user_id)
        return noted

    def _reports(self) -> list[tuple[int, str | None]]:
        """Which message was reported by whom, as services of staff read it."""
        flags = [fact.payload for fact, _ in self._facts(self.chat) if isinstance(fact.payload, MessageFlagged)]
        return [(int(flag.message_id), flag.by) for flag in flags]

    def _previews(self) -> list[tuple[int, int, int, list[Frame]]]:
        facts = [fact for fact, _ in self._facts(self.chat) if isinstance(fact.payload, MessagePreviewed)]
        return [
            (fact.version, int(one.message_id), one.text_version, msgspec.to_builtins(one.previews))
            for fact in facts
            for one in (fact.payload,)
        ]

    def _read_pos(self, user: str) -> int:
        pos = unread_version = 0
        for fact, _ in self._facts(user):
            read = fact.payload
            if fact.event_type != "chat.read.advanced.v1" or read.room_id != self.chat:
                continue
            if read.back and fact.version > unread_version:
                pos, unread_version = read.pos, fact.version
            elif not read.back:
                pos = max(pos, read.pos)
        return pos

    def _follows(self, user: str) -> dict[int, Follow]:
        """Who follows which thread as the facts leave it, in the order of their versions."""
        happened = [(fact, pos) for fact, pos in self._facts(self.chat) if isinstance(fact.payload, MessageSent)]
        happened += [(fact, pos) for fact, pos in self._facts(user) if isinstance(fact.payload, PersonStateChanged)]
        follows: dict[int, Follow] = {}
        for fact, pos in sorted(happened, key=lambda one: one[0].version):
            match fact.payload:
                case MessageSent() as sent if sent.thread_id is not None:
                    root = int(sent.thread_id)
                    after = follow(follows.get(root), sent, user=user, version=fact.version, pos=pos)
                    if after is not None:
                        follows[root] = after
                case PersonStateChanged(kind="thread", state=state) if state["roomId"] == self.chat:
                    follows[int(state["threadId"])] = Follow(state["following"], state["readPos"], fact.version)
        return follows

    def _own(self, user: str) -> dict[tuple[str, str], Frame]:
        """What of the chat is somebody's own, by kind and what it is about, as the latest version of each says."""
        states: dict[tuple[str, str], Frame] = {}
        for fact, _ in sorted(self._facts(user), key=lambda one: one[0].version):
            match fact.payload:
                case PersonStateChanged(kind=kind, state=state) if state.get("roomId") == self.chat:
                    about = {"star": "messageId", "reminder": "id", "scheduled": "id"}.get(kind, "roomId")
                    states[kind, state[about]] = state
        return states

    def _is_stored(self, pos: int) -> bool:
        return any(one["pos"] == pos for one in self.inside.ask("stored", self.chat))

    def _stored(self) -> dict[int, Frame]:
        stored = self.inside.ask("stored", self.chat)
        return {one["message_id"]: _state(msgspec.convert(one, MessageState)) for one in stored}


def moment(text: str) -> datetime:
    """A moment to the second: a version of it in text may be finer than the other."""
    return datetime.fromisoformat(text).replace(microsecond=0)


def _state(state: MessageState) -> Frame:
    return {
        "content": state.content,
        "sender": state.sender_id,
        "mentions": list(state.mentions),
        "reply_to": state.reply_to_id,
        "thread": state.thread_id,
        "edited_at": state.edited_at,
        "deleted_by": state.deleted_by,
        "version": state.version,
    }


def _shown(message: Frame) -> Frame:
    return {
        "content": message["content"],
        "sender": message["sender"]["id"],
        "mentions": message["mentions"],
        "reply_to": int(message["reply_to"]) if message["reply_to"] else None,
        "thread": int(message["thread_id"]) if message["thread_id"] else None,
        "edited_at": message["edited_at"],
        "deleted_by": message["deleted_by"],
        "version": message["version"],
    }


def _numbers(root: Frame) -> tuple[int, int, bool]:
    """Of the thread under a message: replies, what is unread of them, whether the viewer follows it."""
    under = root["thread"]
    return under["replies"], under["unread"], under["following"]


def _first_said(replies: Iterable[MessageState]) -> list[str]:
    """The first five who said something."""
    senders = (one.sender_id or "" for one in sorted(replies, key=lambda one: one.message_id))
    return list(dict.fromkeys(senders))[:5]


def _named(messages: Iterable[Frame]) -> Given:
    """The reactions that REST shows; the counts agree with the people, who are few."""
    assert all(one["count"] == len(one["user_ids"]) for message in messages for one in message["reactions"])
    shown = {int(one["id"]): {each["emoji"]: each["user_ids"] for each in one["reactions"]} for one in messages}
    return {message: found for message, found in shown.items() if found}


def _reactions(heard: Iterable[Frame]) -> Iterable[Reacted]:
    for frame in heard:
        if reacted := reaction_event(msgspec.json.encode(frame)):
            yield reacted


def _pins(heard: Iterable[Frame]) -> Iterable[Pin]:
    for frame in heard:
        if changed := pin_change(msgspec.json.encode(frame)):
            yield changed


def _previews(heard: Iterable[Frame]) -> Iterable[tuple[int, int, int, list[Frame]]]:
    for one in heard:
        if one["type"] == "PREVIEWS":
            yield one["version"], int(one["messageId"]), one["textVersion"], one["previews"]


def _events(heard: Iterable[Frame]) -> Iterable[Stamped]:
    for frame in heard:
        if happened := message_event(msgspec.json.encode(frame), pos=frame["pos"]):
            yield happened


@contextmanager
def a_page() -> Iterator[str]:
    """The address of a page that there is something to show of, whatever the loops of the tests do."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(
                b"<title>Tea</title><meta name=description content=Hot><meta property=og:site_name content=A>"
            )

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as pages:
        threading.Thread(target=pages.serve_forever).start()
        yield f"http://127.0.0.1:{pages.server_port}/"
        pages.shutdown()


def test_log_store_rest_and_clients_agree(shared_server: Server) -> None:
    with looking_into(shared_server.folder) as inside, a_page() as page:
        run_state_machine_as_test(
            type("AgreementOnThisServer", (Agreement,), {"server": shared_server, "inside": inside, "page": page}),
            settings=settings(max_examples=EXAMPLES, stateful_step_count=35, suppress_health_check=list(HealthCheck)),
        )
