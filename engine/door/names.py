"""The names under which messages of one venue travel; each carries the stack id and the partition.
Used by the door, the leader and the hub: Redis pub/sub ignores the database number."""

PARTITION = 0


def prefix(stack_id: str) -> str:
    """The Channels layer's prefix; every process of the venue uses the same."""
    return f"outcry.{stack_id}"


def engine_channel(stack_id: str) -> str:
    """Where gateways send their frames; only the leader listens."""
    return f"outcry.{stack_id}.{PARTITION}.engine"


def gateway_prefix() -> str:
    """Begins, after the layer's own prefix, the channel on which one gateway hears its answers."""
    return f".{PARTITION}.gateway."


def events_group(stack_id: str) -> str:
    """One message a batch, and the leader's announcements, for every process that follows the market."""
    return f"outcry.{stack_id}.{PARTITION}.events"


def heads_group(stack_id: str) -> str:
    """The leader's announcements alone, for doors: a process need not receive the market to trade."""
    return f"outcry.{stack_id}.{PARTITION}.heads"
