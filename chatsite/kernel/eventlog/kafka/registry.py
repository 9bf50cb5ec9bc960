"""What Django's database knows of the topic: which it is, and where groups began. Blocking.

Offsets mean nothing without the topic they were taken from, and a group without
an offset may be new or may have lost it; only what is registered tells.
"""

from collections.abc import Iterator, Mapping

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from chatsite.kernel.eventlog.kafka.clients import LETTER_BYTES
from chatsite.kernel.eventlog.kafka.topic import WAY_OUT, Found, Topic, TopicAdmin, min_in_sync
from chatsite.kernel.models import GroupStart, LogTopic
from chatsite.kernel.servers import COPIES, Description, Finding, latency_now_ms

MAX_BYTES = 1 << 20  # of a batch; a frame is 64 KiB at most
OFFSETS_MINUTES = 30 * 24 * 60  # how long a group may be away and keep its place


def require_topic(admin: TopicAdmin) -> Topic:
    """The registered topic, seen to be still the same one."""
    registered, found = LogTopic.objects.filter(name=admin.name).first(), admin.find()
    if registered is None:
        raise ImproperlyConfigured(f"The topic {admin.name} is not registered. Run: manage.py migrate_log")
    if found is None:
        raise ImproperlyConfigured(f"The topic {admin.name} is gone. {WAY_OUT}")
    if (found.topic_id, found.partitions) != (registered.topic_id, registered.partitions):
        raise ImproperlyConfigured(
            f"{admin.name} is not the topic that was registered, or has other partitions: positions would mean"
            f" something else. {WAY_OUT}"
        )
    return Topic(admin.name, found.topic_id, registered.generation, found.partitions, found.max_bytes)


def start_group(admin: TopicAdmin, topic: Topic, group: str) -> None:
    """Register a group's first start: it begins at the oldest record where it has no offset."""
    with transaction.atomic():
        _lock(topic.name)
        starts = GroupStart.objects.filter(topic=topic.name, group=group)
        if new := set(range(topic.partitions)) - set(starts.values_list("partition", flat=True)):
            _note(topic.name, group, admin.start(group, new, over=False))


def start_over(admin: TopicAdmin, topic: Topic, group: str) -> None:
    """Let a group begin at the oldest record again; Conflict while it is running."""
    with transaction.atomic():
        _lock(topic.name)
        first = admin.start(group, range(topic.partitions), over=True)
        GroupStart.objects.filter(topic=topic.name, group=group).delete()
        _note(topic.name, group, first)


def migrate(
    admin: TopicAdmin, letters: TopicAdmin, *, partitions: int, replication: int, accept_new_topic: bool
) -> Iterator[str]:
    """Make and register what is missing; tells line by line what it did, and what it would change."""
    registered, found = LogTopic.objects.filter(name=admin.name).first(), admin.find()
    if registered and not accept_new_topic:
        require_topic(admin)
    if found is None:
        found = admin.create(partitions=partitions, replication=replication, max_bytes=MAX_BYTES)
        yield f"Made the topic {admin.name} with {found.partitions} partitions, {found.replication} copies of each."
    if letters.find() is None:
        letters.create(partitions=1, replication=found.replication, max_bytes=found.max_bytes + LETTER_BYTES)
        yield f"Made the topic {letters.name} for what nobody can read."
    generation = _register(admin, found, accept_new_topic=accept_new_topic)
    yield f"{admin.name} is registered, its generation is {generation}."
    for doubt in doubts(admin.name, found, admin.broker_configs()):
        yield f"WARNING: {doubt.what} {doubt.fix}"


def _register(admin: TopicAdmin, found: Found, *, accept_new_topic: bool) -> int:
    with transaction.atomic():
        known, made = LogTopic.objects.select_for_update().get_or_create(
            name=admin.name, defaults={"topic_id": found.topic_id, "partitions": found.partitions}
        )
        same = (known.topic_id, known.partitions) == (found.topic_id, found.partitions)
        if made or (same and not accept_new_topic):
            return known.generation
        starts = GroupStart.objects.filter(topic=admin.name)
        for group in set(starts.values_list("group", flat=True)):
            admin.start(group, range(found.partitions), over=True)
        starts.delete()
        known.topic_id, known.partitions = found.topic_id, found.partitions
        known.generation += 1
        known.save()
        return known.generation


def describe(admin: TopicAdmin, letters: TopicAdmin) -> Description:
    """The brokers and the topic, for operators; blocking."""
    brokers, found = admin.brokers(), admin.find()
    if found is None:
        missing = Finding(f"The topic {admin.name} is missing.", "manage.py migrate_log")
        return Description(server=f"Kafka at {', '.join(brokers)}", findings=[missing])
    broker, topic = admin.broker_configs(), found.configs
    version = broker.get("inter.broker.protocol.version") or ""
    findings = list(doubts(admin.name, found, broker))
    try:
        require_topic(admin)
    except ImproperlyConfigured as error:
        findings.append(Finding(str(error), "manage.py migrate_log"))
    parked = sum(letters.counts(1).values()) if letters.find() else 0
    if parked:
        what, fix = f"{parked} records were unreadable.", f"read them: kafka-console-consumer --topic {letters.name}"
        findings.append(Finding(what, fix, is_wrong=False))
    return Description(
        server=" ".join(filter(None, ("Kafka", version.partition("-")[0], "at", ", ".join(brokers)))),
        latency_ms=latency_now_ms(lambda: admin.counts(1)),
        copies=found.replication,
        facts={
            "brokers": str(len(brokers)),
            "topic": f"{admin.name}, {found.partitions} partitions",
            "copies": f"{found.replication}, acked by {topic.get('min.insync.replicas')}",
            "kept": f"{int(topic.get('retention.ms', 0)) / 86_400_000:g} days",
            "offsets kept": f"{int(broker.get('offsets.retention.minutes', 0)) / 1_440:g} days",
        },
        findings=findings,
    )


def doubts(name: str, found: Found, broker: Mapping[str, str]) -> Iterator[Finding]:
    """What operators of the brokers should know."""
    minutes = int(broker.get("offsets.retention.minutes", OFFSETS_MINUTES))
    if minutes < OFFSETS_MINUTES:
        yield Finding(
            f"A group that is away for {minutes // 1_440} days loses its place:",
            f"set offsets.retention.minutes={OFFSETS_MINUTES} on the brokers.",
            is_wrong=False,
        )
    if found.configs.get("message.timestamp.type") != "LogAppendTime":
        fix = f"set message.timestamp.type=LogAppendTime on {name}."
        yield Finding("Ages are the senders' word:", fix, is_wrong=False)
    if "compact" in found.configs.get("cleanup.policy", ""):
        yield Finding("Compaction drops facts:", f"set cleanup.policy=delete on {name}.")
    if int(found.configs.get("min.insync.replicas", 1)) < (wanted := min_in_sync(found.replication)):
        yield Finding("One broker alone may hold an acked record:", f"set min.insync.replicas={wanted} on {name}.")
    if found.replication < COPIES:
        fix = "give it more with kafka-reassign-partitions, as three survive the loss of a broker."
        yield Finding(f"{name} has {found.replication} copies of a record:", fix, is_wrong=False)


def _lock(name: str) -> None:
    """Let others wait: two processes may start a group at once."""
    LogTopic.objects.select_for_update().get(name=name)


def _note(topic: str, group: str, first: Mapping[int, int]) -> None:
    GroupStart.objects.bulk_create(
        GroupStart(topic=topic, group=group, partition=number, offset=offset) for number, offset in first.items()
    )
