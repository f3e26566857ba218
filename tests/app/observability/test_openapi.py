"""The OpenAPI schema is valid, has every route, and its page stands under the CSP."""

import json
import re
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from tests.support.matrix import routes
from tests.support.servers import RedisServer

NOT_IN_THE_SCHEMA = {("GET", path) for path in ("api/schema", "api/docs", "health", "ready", "metrics")}


@pytest.fixture
def client(transactional_db: None, redis_empty: RedisServer) -> Client:
    return Client()


@pytest.fixture
def schema(client: Client) -> Any:
    return json.loads(client.get("/api/schema").content)


def test_the_schema_is_valid_without_a_warning(tmp_path: Any) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yml"))


def test_every_route_is_in_the_schema(schema: Any) -> None:
    described = {
        (method.upper(), path.removeprefix("/"))
        for path, methods in schema["paths"].items()
        for method in methods
    }
    missing = set(routes()) - described - NOT_IN_THE_SCHEMA
    assert {(method, path) for method, path in missing if path.startswith("api/")} == set()


def test_answers_wear_the_envelope_but_the_bare_ones(schema: Any) -> None:
    def answer(path: str, method: str) -> Any:
        return schema["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]

    assert set(answer("/api/order/submit", "post")["properties"]) == {"success", "data", "error"}
    assert set(answer("/api/market/instruments", "get")["properties"]) == {"success", "data", "error"}
    assert answer("/api/market/kline/{instrument_id}", "get") == {"$ref": "#/components/schemas/KlineOut"}


def test_the_page_has_no_inline_script_or_style(client: Client) -> None:
    response = client.get("/api/docs", HTTP_ACCEPT="text/html")
    page = response.content.decode()
    assert response.status_code == 200
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "<style" not in page
    assert " style=" not in page
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 3
    assert all("src=" in attributes and not text.strip() for attributes, text in scripts)
    script = client.get(re.findall(r'src="([^"]*script[^"]*=[^"]*)"', page)[-1].replace("&amp;", "&"))
    assert script["Content-Type"].startswith("application/javascript")
    assert b"SwaggerUIBundle" in script.content
