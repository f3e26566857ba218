"""What an engine process counts about itself, and how the web's /metrics reads it: one Redis hash a process.
Filled by the leader and the follower, written once a second, read through figures_read."""

import os
from bisect import bisect_left
from dataclasses import dataclass, field

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

# Upper bounds of the histograms' buckets, in seconds; the last bucket has no bound.
BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
EXPIRE_S = 10


@dataclass(slots=True)
class Histogram:
    """Counts of durations by bucket (not cumulative), and their sum in nanoseconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    sum_ns: int = 0

    def add(self, duration_ns: int) -> None:
        self.counts[bisect_left(BUCKETS_S, duration_ns / 1e9)] += 1
        self.sum_ns += duration_ns

    @property
    def count(self) -> int:
        return sum(self.counts)

    def plain(self, name: str) -> dict[str, int | str]:
        return {f"{name}_buckets": ",".join(map(str, self.counts)), f"{name}_sum_ns": self.sum_ns}


@dataclass(slots=True)
class Figures:
    """Plain numbers since the process started; times of day in ns UTC."""

    role: str = "follower"
    epoch: int = 0
    seq: int = 0
    time: int = 0
    orders: int = 0
    commands: int = 0
    batches: int = 0
    refused_busy: int = 0
    expired: int = 0
    repeated: int = 0
    queue_depth: int = 0
    clock_clamps: int = 0
    live_rebuilds: int = 0
    journal_full: int = 0  # 1 while the journal has no room
    redis_away: int = 0  # 1 while Redis does not answer
    projecting: int = 0  # 1 while this process writes the projections
    projected_seq: int = 0
    projection_waiting: int = 0  # events not yet committed
    snapshot_seq: int = 0
    append: Histogram = field(default_factory=Histogram)
    apply: Histogram = field(default_factory=Histogram)
    answer: Histogram = field(default_factory=Histogram)  # from taking a batch to its replies

    def plain(self) -> dict[str, int | str]:
        """Every number by name, histograms as comma-separated bucket counts."""
        plain: dict[str, int | str] = {"pid": os.getpid()}
        for name in self.__slots__:
            value = getattr(self, name)
            plain.update(value.plain(name) if isinstance(value, Histogram) else {name: value})
        return plain


def names_key(stack_id: str) -> str:
    """The set of processes that ever wrote figures."""
    return f"figures:{stack_id}"


def figures_key(stack_id: str, name: str) -> str:
    return f"figures:{stack_id}:{name}"


async def figures_write(client: "AsyncRedis", stack_id: str, name: str, figures: Figures) -> None:
    """Replace the process's hash; it goes by itself when the process no longer writes."""
    key = figures_key(stack_id, name)
    async with client.pipeline(transaction=True) as pipe:
        pipe.sadd(names_key(stack_id), name)
        pipe.hset(key, mapping=figures.plain())  # type: ignore[arg-type]
        pipe.expire(key, EXPIRE_S)
        await pipe.execute()


def figures_read(client: "Redis", stack_id: str) -> dict[str, dict[str, int | str]]:
    """Process name → its figures, of those that wrote within the last seconds. Raises RedisError."""
    found: dict[str, dict[str, int | str]] = {}
    names = sorted(_text(name) for name in client.smembers(names_key(stack_id)))
    for name in names:
        plain = client.hgetall(figures_key(stack_id, name))
        if plain:
            found[name] = {_text(k): _number(_text(v)) for k, v in plain.items()}
    return found


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _number(text: str) -> int | str:
    return int(text) if text.lstrip("-").isdigit() else text
