"""All of one venue's live state as plain values, read beside the reader.
Called by the tests of live state."""

from typing import Any

import redis

from engine.live.keys import generation_prefix, head_key


def contents(client: redis.Redis, stack_id: str) -> dict[str, Any]:
    """The head and every key of the head's generation, without the generation's name."""
    raw: Any = client
    head = {name.decode(): value.decode() for name, value in raw.hgetall(head_key(stack_id)).items()}
    found: dict[str, Any] = {"head": {k: v for k, v in head.items() if k != "generation"}}
    prefix = f"{generation_prefix(stack_id)}{head.get('generation')}:"
    for key in raw.scan_iter(f"{prefix}*", count=1000):
        found[key.decode()[len(prefix) :]] = _value(raw, key)
    return found


def _value(client: Any, key: bytes) -> Any:
    kind = client.type(key)
    if kind == b"hash":
        return client.hgetall(key)
    if kind == b"set":
        return client.smembers(key)
    if kind == b"zset":
        return client.zrange(key, 0, -1, withscores=True)
    return client.get(key)


def state_only(found: dict[str, Any]) -> dict[str, Any]:
    """Without what the engine has forgotten: finished orders, and from where on they are all here."""
    ended = {order for name, value in found.items() if name.startswith("ended:") for order, _ in value}
    kept = {name: value for name, value in found.items() if not name.startswith("ended")}
    kept["orders"] = {k: v for k, v in found.get("orders", {}).items() if k not in ended}
    kept["head"] = {k: v for k, v in found["head"].items() if k != "history_seq"}
    return kept


def generations(client: redis.Redis, stack_id: str) -> set[str]:
    """Names of all generations that have a key."""
    raw: Any = client
    prefix = generation_prefix(stack_id)
    return {key.decode()[len(prefix) :].split(":")[0] for key in raw.scan_iter(f"{prefix}*", count=1000)}
