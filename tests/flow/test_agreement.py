"""Whatever people do, the log, the store, REST and a client that only saw events agree.

A Hypothesis machine drives three people over real sockets; at the end the fold of
the log is compared with everything that was made of it.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from contextlib import AsyncExitStack
from typing import TypeVar

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from chat.events import (
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessageSent,
    MessageUnpinned,
    ReactionAdded,
    ReactionRemoved,
)
from chat.fold import Follow, MessageState, Pin, Pins, Reacted, Stamped, Tallies, apply, follow, pin, pin_of, react
from chat.protocol import message_event, pin_change, reaction_event
from chatsite.accounts.events import PersonStateChanged
from chatsite.kernel.events import Fact, Record
from tests.inside import Inside, looking_into
from tests.installations import SHARED
from tests.world import Device, Frame, Server, World

T = TypeVar("T")
PEOPLE = ("ada", "ben", "cyd")
EXAMPLES = 4 if SHARED else 8  # each takes five seconds of servers
somebody = st.sampled_from(PEOPLE)
some_message = st.integers(min_value=0, max_value=10**6)  # counted round: which of those that were sent
some_emoji = st.sampled_from(["👍", "🎉", "❤️"])
States = dict[int, MessageState]
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


class Agreement(RuleBasedStateMachine):
    """One chat of three people, each with a phone."""

    server: Server
    inside: Inside

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.phones: dict[str, Device] = {}
        self.sent: list[str] = []
        self.threads: dict[str, str] = {}  # of each message that is in a thread, what that is under
        self.do(self._open())

    def do(self, work: Awaitable[T]) -> T:
        """Run something of the world in this machine's own loop."""

        async def run() -> T:
            return await work

        return self.runner.run(run())

    async def _open(self) -> None:
        self.world = await self.stack.enter_async_context(World(self.server))
        self.chat = await self.world.chat(PEOPLE)
        for name in PEOPLE:
            self.phones[name] = await self.stack.enter_async_context(self.world.connect(name, self.chat))

    @rule(who=somebody, text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1))
    def say(self, who: str, text: str) -> None:
        """Somebody says something; what is only white space is refused."""
        answer = self.do(self.phones[who].say(self.chat, text[:200]))
        if answer.code is None:
            self.sent.append(answer.body["messageId"])

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
        assert self.do(self.phones[who].ask("DELETE_MESSAGE", **fields)).code in (None, "forbidden", "conflict")

    @precondition(lambda self: self.sent)
    @rule(who=somebody, which=some_message, emoji=some_emoji, back=st.booleans())
    def react(self, who: str, which: int, emoji: str, back: bool) -> None:
        """Somebody gives a message an emoji, or takes it back."""
        fields = {"roomId": self.chat, "messageId": self._pick(which), "emoji": emoji}
        assert self.do(self.phones[who].ask("UNREACT" if back else "REACT", **fields)).code in (None, "conflict")

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
        """Everybody agrees, and the loop ends."""
        try:
            self.do(self._agree())
        finally:
            self.do(self.stack.aclose())
            self.runner.close()

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
        pins = pinned((pin_of(fact.payload, fact.version) for fact in self._pin_facts()), truth)
        listed = (await self.world.rest("ben", "GET", f"/api/chats/{self.chat}/pins")).body["pins"]
        assert [int(one["message"]["id"]) for one in listed] == pins
        await self.world.until("ada", f"/api/chats/{self.chat}/messages?limit=1", lambda page: self._is_stored(pos))
        assert self._stored() == {key: _state(one) for key, one in truth.items()}
        assert _named(await self.world.history("cyd", self.chat)) == reactions
        for phone in self.phones.values():
            await phone.heard_until(self.chat, lambda heard: bool(heard) and heard[-1]["pos"] >= pos)
            believed = folded(_events(phone.heard[self.chat]))
            assert {key: _state(one) for key, one in believed.items()} == {k: _state(one) for k, one in truth.items()}
            assert pinned(_pins(phone.heard[self.chat]), believed) == pins
            assert given(_reactions(phone.heard[self.chat]), believed) == reactions
        newest, chat = last.body["messageId"], f"/api/chats/{self.chat}"
        for name in PEOPLE:
            await self._agree_on_unread(name, truth)
            await self._agree_on_threads(name, truth)
        # And again once the lists and inboxes have caught up.
        await self.world.until("ada", chat, lambda body: (body["last_message"] or {}).get("id") == newest)
        for name in PEOPLE:
            await self._agree_on_unread(name, truth)
            await self._agree_on_threads(name, truth)

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
        assert shown["mentions"] == sum(1 for one in unread if me in one.mentions)
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

    def _is_stored(self, pos: int) -> bool:
        return any(one["pos"] == pos for one in self.inside.ask("stored", self.chat))

    def _stored(self) -> dict[int, Frame]:
        stored = self.inside.ask("stored", self.chat)
        return {one["message_id"]: _state(msgspec.convert(one, MessageState)) for one in stored}


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


def _events(heard: Iterable[Frame]) -> Iterable[Stamped]:
    for frame in heard:
        if happened := message_event(msgspec.json.encode(frame), pos=frame["pos"]):
            yield happened


def test_log_store_rest_and_clients_agree(shared_server: Server) -> None:
    with looking_into(shared_server.folder) as inside:
        run_state_machine_as_test(
            type("AgreementOnThisServer", (Agreement,), {"server": shared_server, "inside": inside}),
            settings=settings(
                max_examples=EXAMPLES, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
