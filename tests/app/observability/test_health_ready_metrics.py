"""/health says that the process lives, /ready which part is missing, /metrics the figures, to whom it may (O2)."""

from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client

from engine.border import json_loads
from engine.live import live
from exchange.observability import readiness
from market.models import Progress
from tests.support.floor import Floor
from tests.support.servers import RedisServer


def ask(path: str, **headers: str) -> tuple[int, Any]:
    response = Client().get(path, **headers)  # type: ignore[arg-type]
    return response.status_code, json_loads(response.content)


def test_health_asks_nobody() -> None:
    assert ask("/health") == (200, {"status": "healthy", "service": "outcry"})


def test_ready_when_every_part_works(floor: Floor) -> None:
    floor.project()
    status, said = ask("/ready")
    assert (status, said["status"]) == (200, "ready")
    assert set(said["parts"]) == {"database", "migrations", "redis", "leader", "live", "projector"}
    assert said["parts"]["projector"]["detail"] == f"at {floor.engine.seq}, 0 behind"


def test_ready_names_the_leader_that_is_gone(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    floor.project()
    monkeypatch.setattr(readiness, "LEADER_WAIT_S", 0.0)
    floor.venue.serve_end()
    from engine.door import close

    close()  # a new door has heard nobody
    status, said = ask("/ready")
    assert status == 503
    assert [name for name, part in said["parts"].items() if not part["ok"]] == ["leader"]


def test_ready_names_live_state_that_was_wiped(floor: Floor, redis_empty: RedisServer) -> None:
    floor.project()
    floor.venue.serve_end()
    import redis as redis_package

    with redis_package.Redis.from_url(redis_empty.url) as client:
        client.flushall()
    status, said = ask("/ready")
    assert status == 503
    assert said["parts"]["live"] == {"ok": False, "detail": "live state is being rebuilt"}


def test_ready_names_a_projector_that_lags(floor: Floor) -> None:
    floor.project()
    floor.alice.person.post("/api/order/submit", floor.order())
    late = Progress.objects.get().time + 6 * 10**9
    found = readiness.parts(now=lambda: late)
    assert found["projector"] == readiness.Part(
        False, f"{live().head().seq - Progress.objects.get().seq} commands behind"
    )
    assert readiness.parts(now=lambda: late - 5 * 10**9)["projector"].ok


def test_ready_names_the_database_that_is_away(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> str:
        raise DatabaseError("gone")

    monkeypatch.setattr(readiness, "_database", away)
    said = readiness.plain(readiness.parts())
    assert said["status"] == "not ready"
    assert said["parts"]["database"] == {"ok": False, "detail": "PostgreSQL does not answer"}


def test_metrics_show_latency_lag_and_the_engine(floor: Floor) -> None:
    floor.alice.person.post("/api/order/submit", floor.order())
    floor.project()
    body = Client().get("/metrics").content.decode()
    assert "outcry_order_seconds_bucket" in body
    assert "outcry_sequence_lag 0.0" in body
    assert f"outcry_applied_seq {float(floor.engine.seq)}" in body
    assert 'outcry_http_seconds_count{method="POST",route="api/order/submit",status="200"}' in body
    assert "outcry_door_frames_in_flight" in body


def test_metrics_are_for_loopback_or_the_token(
    transactional_db: None, redis_empty: RedisServer, settings: Any
) -> None:
    def status(**headers: str) -> int:
        return Client().get("/metrics", **headers).status_code  # type: ignore[arg-type]

    assert status() == 200
    assert status(REMOTE_ADDR="192.0.2.1") == 403
    assert status(HTTP_X_FORWARDED_FOR="192.0.2.1") == 403
    settings.OUTCRY_METRICS_TOKEN = "secret"
    assert status() == 403
    assert status(HTTP_AUTHORIZATION="Bearer wrong") == 403
    assert status(REMOTE_ADDR="192.0.2.1", HTTP_AUTHORIZATION="Bearer secret") == 200
