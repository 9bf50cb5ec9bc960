"""How an installation is: its servers, its groups, what was given up, and what to do about it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
from django.conf import settings
from django.core import mail
from django.core.checks import run_checks
from django.core.checks.messages import WARNING
from django.db import DEFAULT_DB_ALIAS, connections

from chat.stores import store
from chatsite.gateway.streams import stream
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.eventlog import log
from chatsite.kernel.groups import Group, groups
from chatsite.kernel.models import Chore, DeadLetter, HeldKey, WorkerLease
from chatsite.kernel.servers import AWAY, COPIES, Description, Finding, describe_database
from chatsite.management.running import sql_databases, unapplied
from chatsite.settings.registry import SETTINGS, setting

R = TypeVar("R")
CHECK_SECONDS = 3.0  # for one check; they run side by side
MOST_BEHIND = 1_000  # records; a group that is further behind does not keep up
SHOWN = 20  # held keys and chores that are named
_POSTGRES = "start PostgreSQL, or mend CHAT_DATABASE_URL"
_REDIS = "start Redis, or mend CHAT_REDIS_URL"
BRING_BACK = {
    "embedded": dict.fromkeys(("database", "log", "store", "stream"), "manage.py migrate_all, or mend CHAT_DATA"),
    "standard": {"database": _POSTGRES, "log": _POSTGRES, "store": _POSTGRES, "stream": _REDIS},
    "cluster": {
        "database": _POSTGRES,
        "stream": _REDIS,
        "log": "start the brokers, or mend CHAT_KAFKA_SERVERS; a topic that is missing: manage.py migrate_log",
        "store": "start the nodes, or mend SCYLLA_CONTACT_POINTS and SCYLLA_PORT",
    },
}


class GroupState(msgspec.Struct, frozen=True):
    """A group, and how many records it has not finished; None where nobody can tell."""

    name: str
    behind: int | None


class Lease(msgspec.Struct, frozen=True):
    """A worker number that a process mints ids with."""

    worker: int
    until: str


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """All of it; it is well where nothing found is wrong."""

    shape: str
    servers: dict[str, Description | None]
    groups: list[GroupState]
    held: int | None
    dead_letters: int | None
    given_up: int | None
    leases: list[Lease]
    findings: list[Finding]

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong; what could be stronger is not."""
        return not any(finding.is_wrong for finding in self.findings)


class Doctor:
    """Asks everything once; what does not answer in time is a finding, never an error."""

    def __init__(self) -> None:
        self.shape: str = setting("CHAT_SHAPE")
        self._findings: list[Finding] = []

    async def examine(self) -> Diagnosis:
        """Ask all at the same time."""
        async with asyncio.TaskGroup() as tasks:
            servers = tasks.create_task(self._servers())
            states = [tasks.create_task(self._group(group)) for group in groups()]
            held = tasks.create_task(self._ask("held keys", in_db_thread(self._held)))
            letters = tasks.create_task(self._ask("dead letters", in_db_thread(self._letters)))
            given_up = tasks.create_task(self._ask("chores", in_db_thread(self._given_up)))
            leases = tasks.create_task(self._ask("worker numbers", in_db_thread(_leases)))
            tasks.create_task(self._ask("tables", in_db_thread(self._tables)))
            tasks.create_task(self._mail())
            tasks.create_task(self._ask("settings", asyncio.to_thread(self._settings)))
        findings = list(dict.fromkeys(_hidden(one) for one in self._findings))
        return Diagnosis(
            shape=self.shape,
            servers=servers.result(),
            groups=[state.result() for state in states],
            held=held.result(),
            dead_letters=letters.result(),
            given_up=given_up.result(),
            leases=leases.result() or [],
            findings=sorted(findings, key=lambda one: not one.is_wrong),
        )

    async def _ask(self, what: str, answer: Awaitable[R], fix: str = "") -> R | None:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                return await answer
        except AWAY as error:
            said = str(error).partition("\n")[0] or f"no answer within {CHECK_SECONDS:g} s"
            self._find(f"{what}: {said}", fix or BRING_BACK[self.shape]["database"])
            return None

    def _find(self, what: str, fix: str, *, is_wrong: bool = True) -> None:
        self._findings.append(Finding(what, fix, is_wrong))

    async def _servers(self) -> dict[str, Description | None]:
        asked: dict[str, Callable[[], Awaitable[Description]]] = {
            "database": lambda: in_db_thread(describe_database, DEFAULT_DB_ALIAS),
            "log": lambda: log().describe(),
            "store": lambda: store().describe(),
            "stream": lambda: stream().describe(),
        }
        fixes = BRING_BACK[self.shape]
        found = await asyncio.gather(*[self._ask(name, ask(), fixes[name]) for name, ask in asked.items()])
        for one in filter(None, found):
            self._findings += one.findings
            if one.copies is not None and one.copies < COPIES and not setting("CHAT_ACCEPT_UNREPLICATED"):
                what = f"{one.server} keeps {one.copies} copies: nothing is served on it."
                self._find(what, f"give it {COPIES}, or set CHAT_ACCEPT_UNREPLICATED=on")
        return dict(zip(asked, found, strict=True))

    async def _group(self, group: Group) -> GroupState:
        asked = group.source().behind(group.name)
        behind = await self._ask(f"group {group.name}", asked, BRING_BACK[self.shape]["log"])
        if behind is not None and behind > MOST_BEHIND:
            self._find(
                f"{group.name} is {behind:,} records behind.", f"manage.py project {group.name}, in more processes"
            )
        return GroupState(group.name, behind)

    async def _mail(self) -> None:
        if (setting("CHAT_SMTP_HOST") or settings.MAIL_DIGEST) and not setting("CHAT_URL"):
            what = f"The links in mails lead to {settings.PUBLIC_URL}."
            self._find(what, "name the public address in CHAT_URL", is_wrong=False)
        if setting("CHAT_SMTP_HOST"):
            await self._ask(
                "mail", asyncio.to_thread(_greet_mail_server), "start the mail server, or mend CHAT_SMTP_HOST"
            )
        elif settings.MAIL_DIGEST:
            what = "Mails of what people missed are written to files."
            self._find(what, "name a mail server in CHAT_SMTP_HOST", is_wrong=False)

    def _held(self) -> int:
        for held in HeldKey.objects.order_by("held_at")[:SHOWN]:
            what = f"{held.group} holds {held.key}: {held.error}"
            self._find(what, f"mend the cause, then: manage.py project --retry {held.group} {held.key}")
        return HeldKey.objects.count()

    def _letters(self) -> int:
        count = sum(DeadLetter.objects.using(alias).count() for alias in sql_databases())
        if count:
            self._find(f"{count} records were unreadable.", "manage.py project", is_wrong=False)
        return count

    def _given_up(self) -> int:
        given_up = Chore.objects.filter(given_up_at__isnull=False)
        for chore in given_up.order_by("given_up_at")[:SHOWN]:
            what = f"the chore {chore.kind} {chore.key} was given up: {chore.error}"
            self._find(what, f"mend the cause, then: manage.py chores --retry {chore.kind} {chore.key}")
        return given_up.count()

    def _tables(self) -> None:
        for alias in sql_databases():
            if unapplied(alias):
                self._find(f"The tables of {alias!r} are not up to date.", "manage.py migrate_all")
            connections[alias].close()

    def _settings(self) -> None:
        for message in run_checks():
            if message.level >= WARNING and not message.is_silenced():
                self._find(message.msg, message.hint or "manage.py check", is_wrong=message.is_serious())


def _greet_mail_server() -> None:
    """Sign in as for a mail, and mail nothing."""
    connection = mail.get_connection(timeout=CHECK_SECONDS)
    connection.open()
    connection.close()


def _leases() -> list[Lease]:
    held = WorkerLease.objects.filter(expires_at__gt=datetime.now(UTC)).order_by("worker")
    return [Lease(one.worker, f"{one.expires_at:%Y-%m-%d %H:%M:%SZ}") for one in held]


def _hidden(finding: Finding) -> Finding:
    """Without what no output may show, whoever said it."""
    what, fix = finding.what, finding.fix
    for secret in _secrets():
        what, fix = what.replace(secret, "(hidden)"), fix.replace(secret, "(hidden)")
    return Finding(what, fix, finding.is_wrong)


def _secrets() -> list[str]:
    texts = []
    for one in SETTINGS.values():
        if one.secret and (value := one.read()):
            parts = [part.partition("=")[2] for part in value] if isinstance(value, list) else [str(value)]
            texts += [part for text in parts for part in (text, urlsplit(text).password or "") if len(part) > 3]
    return sorted(texts, key=len, reverse=True)
