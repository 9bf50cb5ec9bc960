"""What every client of Kafka is told, and what their errors mean to us."""

import asyncio
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeAlias

from confluent_kafka import KafkaError, KafkaException

from chatsite.kernel.errors import Unavailable

Options: TypeAlias = dict[str, Any]

ANSWER_SECONDS = 5.0  # for one question to the brokers; a readiness probe waits no longer
RETRY_MS = 1_000  # what a refused caller is told
LETTER_BYTES = 65_536  # what a dead letter may be larger than its record
_QUIET = 2  # syslog's "critical": the rest is told by callbacks, where it is told at all
# Errors of librdkafka's own that it does not call retriable, though nobody is at fault.
_AWAY = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._DESTROY,
        KafkaError._MSG_TIMED_OUT,
        KafkaError._NOENT,  # partitions without a leader
        KafkaError._PURGE_INFLIGHT,
        KafkaError._PURGE_QUEUE,
        KafkaError._QUEUE_FULL,
        KafkaError._RESOLVE,
        KafkaError._TIMED_OUT,
        KafkaError._TIMED_OUT_QUEUE,
        KafkaError._TRANSPORT,
        KafkaError._WAIT_COORD,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError.NOT_ENOUGH_REPLICAS,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.UNKNOWN_LEADER_EPOCH,
    }
)


def client(servers: str, more: Mapping[str, str]) -> Options:
    """What producers, consumers and the admin client have in common."""
    return {
        "bootstrap.servers": servers,
        "log_level": _QUIET,
        # 10 s by default: nobody would hear of a broker's return until then.
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 1_000,
        # Five minutes by default: asked too early, a new leader would not be heard of until then.
        "topic.metadata.refresh.interval.ms": 1_000,
        **more,
    }


def is_away(error: KafkaError) -> bool:
    """Whether the brokers could not answer, so that the same may work later."""
    return error.code() in _AWAY or error.retriable()


def unavailable() -> Unavailable:
    """Nobody knows whether it was done: the same nonce again."""
    return Unavailable(code="log_unavailable", retry_after_ms=RETRY_MS)


def error_of(cause: KafkaException) -> KafkaError:
    """What the driver raises has the error inside."""
    error = cause.args[0]
    return error if isinstance(error, KafkaError) else KafkaError(KafkaError._FAIL, str(error))


def translated(cause: KafkaException) -> Exception:
    """Unavailable where the brokers are away, else what was raised."""
    return unavailable() if is_away(error_of(cause)) else cause


@contextmanager
def refusals() -> Iterator[None]:
    """Unavailable, in the brokers' words, where they are there and will not answer."""
    try:
        yield
    except KafkaException as cause:
        detail = f"Kafka does not say: {error_of(cause).str()}"
        raise Unavailable(detail, code="log_unavailable", retry_after_ms=RETRY_MS) from cause


async def answer(future: "Future[Any]") -> Any:
    """The answer of the admin client; Unavailable where the brokers are away."""
    try:
        # Shielded: the driver sets its result, and a cancelled one would raise in its thread.
        return await asyncio.shield(asyncio.wrap_future(future))
    except KafkaException as cause:
        raise translated(cause) from cause


def answer_now(future: "Future[Any]") -> Any:
    """The same in a thread that may wait."""
    try:
        return future.result(ANSWER_SECONDS * 2)
    except KafkaException as cause:
        raise translated(cause) from cause
    except TimeoutError:
        raise unavailable() from None
