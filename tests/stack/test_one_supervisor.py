"""`up` itself: ready file, one instance, children that come back, no orphan, a clean stop.
Run by pytest, stack tier."""

import json
import os
import signal
import stat

import pytest

from exchange.stack.postgres import system_place
from tests.stack.conftest import FreshStack
from tests.support.servers import open_folder, postgres_answers, redis_answers
from tests.support.stack import RunningStack, process_lives, processes_of, stack_remove, stack_spawn
from tests.support.waiting import wait_until

pytestmark = pytest.mark.stack


def test_run_json_is_private_and_names_every_process(stack: RunningStack) -> None:
    mode = (stack.data / "run.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert {"postgres", "redis", "engine-1", "engine-2", "web", "celery-worker", "celery-beat"} <= set(
        stack.pids
    )
    assert all(process_lives(pid) for pid in stack.pids.values())
    assert stack.run["supervisor"] == stack.process.pid
    assert stack.web.startswith("http://127.0.0.1:")


def test_run_json_has_two_funded_traders_and_an_operator(stack: RunningStack) -> None:
    users = stack.run["users"]
    traders = [user for user in users if user["role"] == "trader" and user["account_ids"]]
    operators = [user for user in users if user["role"] == "operator"]
    assert len(traders) == 2
    assert len(operators) == 1
    assert all(user["username"] and len(user["password"]) >= 16 for user in users)


def test_the_venue_is_alive_and_ready(stack: RunningStack) -> None:
    assert stack.http_get("/health")[0] == 200
    status, body = stack.http_get("/ready")
    assert (status, json.loads(body)["status"]) == (200, "ready")


def test_secrets_and_logs_are_private(stack: RunningStack) -> None:
    for name in ("secrets", "log", "run", "redis"):
        assert stat.S_IMODE((stack.data / name).stat().st_mode) == 0o700, name


def test_the_web_answers(stack: RunningStack) -> None:
    status, body = stack.http_get("/admin/login/")
    assert status == 200
    assert b"csrfmiddlewaretoken" in body


def test_static_files_are_served(stack: RunningStack) -> None:
    status, body = stack.http_get("/static/admin/css/base.css")
    assert status == 200
    assert b"--primary" in body


def test_commands_find_the_running_stack_by_its_folder(stack: RunningStack) -> None:
    done = stack.manage("migrate", "--check")
    assert done.returncode == 0, done.stderr


def test_a_second_up_says_where_the_first_is_and_exits_3(stack: RunningStack) -> None:
    second = stack_spawn(stack.data)
    assert second.process.wait(30) == 3
    assert f"already runs on {stack.data}, at {stack.web}" in second.output
    assert stack.http_get("/admin/login/")[0] == 200


def test_clean_data_refuses_while_the_stack_runs(stack: RunningStack) -> None:
    done = stack.manage("clean_data")
    assert done.returncode == 3
    assert "stop it first" in done.stderr
    assert (stack.data / "run.json").exists()


@pytest.mark.parametrize("name", ["web", "celery-worker", "celery-beat", "engine-1", "engine-2"])
def test_a_killed_child_comes_back(stack: RunningStack, name: str) -> None:
    old = stack.kill(name)
    assert stack.wait_back(name, old) != old
    wait_until(lambda: web_answers(stack), 20, "the web answers")


def web_answers(stack: RunningStack) -> bool:
    try:
        return stack.http_get("/ready")[0] == 200
    except OSError:
        return False


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_a_killed_server_comes_back(stack: RunningStack, name: str) -> None:
    old = stack.kill(name)
    stack.wait_back(name, old)
    wait_until(lambda: postgres_answers(stack.run["postgres"]), 20, "PostgreSQL answers")
    wait_until(lambda: redis_answers(stack.run["redis"]), 20, "Redis answers")
    wait_until(lambda: web_answers(stack), 20, "the web answers")
    assert stack.manage("migrate", "--check").returncode == 0


def test_ctrl_c_stops_everything_and_removes_run_json(fresh_stack: FreshStack) -> None:
    stack = fresh_stack()
    assert set(processes_of(stack.data)) >= set(stack.pids.values()) - {stack.pids["postgres"]}
    pids = stack.pids
    assert stack.stop(signal.SIGINT) == 0
    assert not (stack.data / "run.json").exists()
    assert [name for name, pid in pids.items() if process_lives(pid)] == []
    assert processes_of(stack.data) == []
    assert stack.output.endswith("Outcry: stopped\n")


def test_a_killed_supervisor_leaves_no_orphan_and_the_next_up_takes_over(fresh_stack: FreshStack) -> None:
    stack = fresh_stack()
    pids, everyone = stack.pids, set(processes_of(stack.data))
    os.kill(stack.process.pid, signal.SIGKILL)
    stack.process.wait()
    gone = everyone | set(pids.values())
    wait_until(lambda: not [pid for pid in gone if process_lives(pid)], 10, "every process is gone")
    assert processes_of(stack.data) == []
    # The stale run.json names nobody; a new `up` on the folder replaces it.
    (stack.data / "run.json").unlink()
    again = stack_spawn(stack.data)
    again.wait_ready()
    assert web_answers(again)
    assert again.stop() == 0


def test_sigterm_stops_as_ctrl_c_does_and_a_warm_start_keeps_what_was_there(fresh_stack: FreshStack) -> None:
    stack = fresh_stack()
    secrets = (stack.data / "secrets" / "stack.json").read_bytes()
    stack_id, users = stack.run["stack_id"], stack.run["users"]
    assert stack.stop(signal.SIGTERM) == 0
    assert processes_of(stack.data) == []
    again = stack_spawn(stack.data)
    again.wait_ready()
    assert again.run["stack_id"] == stack_id
    assert again.run["users"] == users
    assert (stack.data / "secrets" / "stack.json").read_bytes() == secrets
    assert again.stop() == 0


def test_a_stop_during_the_start_leaves_nothing_and_clean_data_removes_all() -> None:
    data = open_folder()
    try:
        stack = stack_spawn(data)
        wait_until(lambda: "postgres       ready" in stack.output, 20, "the start is on its way")
        assert stack.stop() == 0
        assert processes_of(data) == []
        assert (data / "postgres" / "cluster").exists()
        done = stack.manage("clean_data")
        assert done.returncode == 0, done.stderr
        assert not data.exists()
        assert not system_place(data).exists()
        assert stack.manage("clean_data").returncode == 0
    finally:
        stack_remove(data)
