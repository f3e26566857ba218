"""The one place that knows Channels: how a process of the venue reaches Redis pub/sub.
Used by the door, the leader and the hub."""

from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from engine.door import names

CONNECT_TIMEOUT_S = 1
SEND_TIMEOUT_S = 2
SEND_RETRIES = 2
RETRY_S = 0.05
FOREVER = -1


def sending_layer(redis_url: str, stack_id: str) -> Any:
    """A Channels layer for `send` and `group_send`: fails soon, its caller knows what to do then.

    Its connections belong to the event loop that uses them first.
    """
    return _layer(redis_url, stack_id, socket_timeout=SEND_TIMEOUT_S, retries=SEND_RETRIES)


def receiving_layer(redis_url: str, stack_id: str) -> Any:
    """A Channels layer for `receive`: waits for ever, and is back 50 ms after Redis is.

    redis-py would end an idle blocking read after 5 s, and Channels waits a second after each failure it sees.
    """
    return _layer(redis_url, stack_id, socket_timeout=None, retries=FOREVER)


def _layer(redis_url: str, stack_id: str, *, socket_timeout: int | None, retries: int) -> Any:
    host = {
        "address": redis_url,
        "socket_timeout": socket_timeout,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "retry": Retry(ConstantBackoff(RETRY_S), retries),
    }
    return RedisPubSubChannelLayer(hosts=[host], prefix=names.prefix(stack_id))
