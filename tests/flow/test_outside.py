"""What clients that know nothing of us see in the servers of the shape cluster."""

import asyncio
import json
import subprocess
import sysconfig
import uuid
from pathlib import Path
from typing import NamedTuple

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from tests.installations import environment_of
from tests.servers import kafka_tools
from tests.world import World

TEXT = "seen from outside"
CQLSH = "cqlsh==6.2.2"  # needs Apache's driver, which cannot stand beside ScyllaDB's


def of(world: World, variable: str) -> str:
    """What an installation is told of its servers."""
    return environment_of(world.server.folder)[variable]


def shown(program: str | Path, *arguments: str) -> str:
    """What a client's command prints."""
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)
    assert not done.returncode, done.stderr
    return done.stdout


def cqlsh(world: World, statement: str) -> str:
    """What a CQL shell prints in the installation's keyspace."""
    host, port, keyspace = (of(world, f"SCYLLA_{name}") for name in ("CONTACT_POINTS", "PORT", "KEYSPACE"))
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    return shown(uv, "tool", "run", "--from", CQLSH, "cqlsh", host, port, "-k", keyspace, "-e", statement)


def rows(world: World, select: str) -> list[dict[str, object]]:
    """The rows that a CQL shell shows."""
    lines = cqlsh(world, select.replace("SELECT", "SELECT JSON", 1)).splitlines()
    return [json.loads(line) for line in lines if line.strip().startswith("{")]


class Said(NamedTuple):
    """A chat and its one message."""

    chat: str
    message: int
    pos: int


@pytest.fixture
async def said(world: World) -> Said:
    """What ada said to ben: history has stored it, ben has heard and read it."""
    chat = await world.chat(["ada", "ben"])
    async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben:
        answer = await ada.say(chat, TEXT)
        await ben.expect("MESSAGE", roomId=chat)
        path = f"/api/chats/{chat}/messages?at_least={answer.body['pos']}"
        await world.until("ben", path, lambda page: page["complete"])
        await ben.ask("READ", roomId=chat, messageId=answer.body["messageId"], pos=answer.body["pos"])
    return Said(chat, int(answer.body["messageId"]), answer.body["pos"])


async def test_a_java_consumer_reads_events_on_the_partition_that_java_would_choose(world: World, said: Said) -> None:
    servers, topic = of(world, "CHAT_KAFKA_SERVERS"), of(world, "CHAT_KAFKA_TOPIC")
    admin = AdminClient({"bootstrap.servers": servers})
    partitions = len(admin.list_topics(topic, timeout=20).topics[topic].partitions)
    scratch = f"test-{uuid.uuid4().hex}"
    admin.create_topics([NewTopic(scratch, partitions, 1)])[scratch].result(20)
    records = await asyncio.to_thread(kafka_tools.consumed, servers, topic)
    keys = {record.key for record in records}
    await asyncio.to_thread(kafka_tools.produce, servers, scratch, dict.fromkeys(keys, "from Java"))
    by_java = await asyncio.to_thread(kafka_tools.consumed, servers, scratch)
    admin.delete_topics([scratch])[scratch].result(20)
    assert {record.key: record.partition for record in by_java} == {record.key: record.partition for record in records}
    [record] = [one for one in records if one.key == said.chat and one.headers["eventType"] == "chat.message.sent.v1"]
    envelope = json.loads(record.value)
    assert (envelope["payload"]["messageId"], envelope["payload"]["content"]) == (str(said.message), TEXT)
    assert envelope["eventId"] == record.headers["eventId"]


async def test_a_cql_shell_shows_the_rows(world: World, said: Said) -> None:
    tables = {*(await asyncio.to_thread(cqlsh, world, "DESCRIBE TABLES")).split()}
    assert {"messages", "message_edits", "message_nonces", "channel_buckets", "message_read_positions"} <= tables
    [bucket] = await asyncio.to_thread(
        rows, world, f"SELECT bucket FROM channel_buckets WHERE channel_id = {said.chat}"
    )
    of_chat = f"channel_id = {said.chat} AND bucket = {bucket['bucket']}"
    select = f"SELECT message_id, sender_id, content, is_deleted FROM messages WHERE {of_chat}"
    assert await asyncio.to_thread(rows, world, select) == [
        {"message_id": said.message, "sender_id": await world.id("ada"), "content": TEXT, "is_deleted": None}
    ]


async def test_redis_cli_shows_a_stream_by_positions(world: World, said: Said) -> None:
    url, stream = of(world, "CHAT_REDIS_URL"), f"room:{{{said.chat}}}:stream"
    assert {stream, f"room:{{{said.chat}}}:meta"} <= {*shown("redis-cli", "-u", url, "--scan").split()}
    entry, *fields = shown("redis-cli", "-u", url, "XREVRANGE", stream, "+", "-", "COUNT", "1").splitlines()
    assert entry == f"{said.pos}-0"
    assert any(TEXT in field for field in fields)


async def test_psql_shows_a_chat_and_its_people(world: World, said: Said) -> None:
    query = (
        "SELECT username, role, p.is_active FROM chat_participants p JOIN users ON users.id = user_id"
        f" WHERE chat_id = '{said.chat}' ORDER BY username"
    )
    assert shown("psql", of(world, "CHAT_DATABASE_URL"), "-At", "-c", query).split() == ["ada|owner|t", "ben|member|t"]
