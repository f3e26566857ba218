"""Every answer of /api is {success, data, error}, the middleware's included; bodies are bounded (S7).
Run by pytest in the app tier."""

from typing import Any

import msgspec
import pytest
from django.db import OperationalError
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http import aio
from accounts.http.drf import ExactDecimalField, StrictSerializer
from accounts.http.envelope import ApiError, error_text
from accounts.principals import Principal
from engine.border import ExactNumber, json_loads
from engine.core.codes import TEXTS, Code
from exchange.urls import urlpatterns as venue_urls
from tests.support.people import anonymous, person


class PriceIn(StrictSerializer):
    price = ExactDecimalField()


class EchoView(APIView):
    def post(self, request: Request) -> Response:
        fields = PriceIn(data=request.data)
        fields.is_valid(raise_exception=True)
        return Response({"price": fields.validated_data["price"]})


class BrokenView(APIView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        if "database" in request.GET:
            raise OperationalError("gone")
        raise RuntimeError("secret detail")


def broken_plain(request: Any) -> Any:
    raise RuntimeError("secret detail")


class Price(msgspec.Struct, forbid_unknown_fields=True):
    price: ExactNumber


@aio.async_endpoint("POST", "order")
async def echo_async(request: Any, principal: Principal) -> Any:
    fields = aio.body_parse(request, Price)
    if fields.price == 13:
        raise RuntimeError("secret detail")
    return {"price": fields.price, "user_id": str(principal.user_id)}


urlpatterns = [
    *venue_urls,
    path("api/test/echo", EchoView.as_view()),
    path("api/test/broken", BrokenView.as_view()),
    path("api/test/broken-plain", broken_plain),
    path("api/test/echo-async", echo_async),
]
with_test_routes = override_settings(ROOT_URLCONF=__name__)


@pytest.mark.parametrize(
    ("method", "where", "status", "code"),
    [
        ("GET", "/api/nowhere", 404, Code.NOT_FOUND),
        ("GET", "/api", 404, Code.NOT_FOUND),
        ("GET", "/api/auth/login", 405, Code.METHOD_NOT_ALLOWED),
        ("DELETE", "/api/auth/users", 401, Code.UNAUTHENTICATED),
        ("GET", "/api/auth/users", 401, Code.UNAUTHENTICATED),
        ("POST", "/api/auth/login", 422, Code.FIELD_REQUIRED),
        ("GET", "/api/account/99999999999999999999", 404, Code.NOT_FOUND),
        ("GET", "/api/account/８０００００００", 404, Code.NOT_FOUND),
    ],
)
def test_refusals_of_routes_and_methods(method: str, where: str, status: int, code: Code) -> None:
    answer = anonymous().request(method, where)
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.body["error"]["message_zh"] == error_text(code, answer.field or "")[1]


def test_method_not_allowed_names_those_that_are() -> None:
    assert anonymous().get("/api/auth/login").headers["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, Code.MALFORMED_JSON),
        (b"\xff\xfe", 400, Code.MALFORMED_JSON),
        (b'{"username":"a","username":"b","password":"c"}', 400, Code.MALFORMED_JSON),
        (b'{"username":"\\u0000","password":"c"}', 400, Code.MALFORMED_JSON),
        (b"[" * 50_000, 400, Code.MALFORMED_JSON),
        (b" " * (256 * 1024 + 1), 413, Code.BODY_TOO_LARGE),
        (b"[]", 422, Code.FIELD_INVALID),
        (b"null", 422, Code.FIELD_INVALID),
        (b'{"username":5,"password":"c"}', 422, Code.FIELD_INVALID),
    ],
)
def test_bodies_we_do_not_take(body: bytes, status: int, code: Code) -> None:
    answer = anonymous().post("/api/auth/login", body)
    assert (answer.status, answer.code) == (status, code)


@with_test_routes
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
@pytest.mark.parametrize("where", ["/api/auth/login", "/api/test/echo", "/api/test/echo-async"])
def test_what_does_not_call_itself_json_is_refused(where: str, kind: str) -> None:
    headers = {"Authorization": f"Bearer {person('ann').token}"}
    response = Client().generic("POST", where, b'{"price":1}', kind, headers=headers)
    body = json_loads(response.content)
    assert (response.status_code, body["error"]["code"]) == (415, Code.UNSUPPORTED_MEDIA_TYPE)


@with_test_routes
@pytest.mark.parametrize("where", ["/api/test/echo", "/api/test/echo-async"])
def test_a_charset_does_no_harm(where: str) -> None:
    headers = {"Authorization": f"Bearer {person('ann').token}"}
    kind = "application/json; charset=utf-8"
    assert Client().generic("POST", where, b'{"price":1}', kind, headers=headers).status_code == 200


@with_test_routes
@pytest.mark.parametrize(
    ("where", "status", "code"),
    [
        ("/api/test/broken", 500, Code.INTERNAL),
        ("/api/test/broken-plain", 500, Code.INTERNAL),
        ("/api/test/broken?database=1", 503, Code.DATABASE_UNAVAILABLE),
    ],
)
def test_our_own_errors_say_nothing_of_their_inside(where: str, status: int, code: Code) -> None:
    answer = anonymous().get(where)
    assert (answer.status, answer.code) == (status, code)
    assert "secret" not in str(answer.body)


NUMBERS_REFUSED = [b"NaN", b"Infinity", b"1e400", b"-0", b'"1e3"', b'"\xef\xbc\x95"', b"true", b"null", b"[]"]


@with_test_routes
@pytest.mark.parametrize("number", [*NUMBERS_REFUSED, b"0." + b"1" * 30])
@pytest.mark.parametrize("where", ["/api/test/echo", "/api/test/echo-async"])
def test_inexact_numbers_are_refused_with_their_field(where: str, number: bytes) -> None:
    answer = person("ann").post(where, b'{"price":' + number + b"}")
    assert answer.status == 422
    assert answer.code in (Code.NUMBER_INVALID, Code.FIELD_INVALID)
    assert answer.field == "price"


@with_test_routes
@pytest.mark.parametrize("where", ["/api/test/echo", "/api/test/echo-async"])
@pytest.mark.parametrize("number", [b"3800.10", b'"3800.10"'])
def test_numbers_come_back_digit_for_digit(where: str, number: bytes) -> None:
    ann = person("ann")
    headers = {"Authorization": f"Bearer {ann.token}"}
    body = b'{"price":' + number + b"}"
    response = Client().post(where, body, content_type="application/json", headers=headers)
    assert b'"price":3800.10' in response.content


@with_test_routes
@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (b'{"price":1,"x":1}', Code.FIELD_UNKNOWN, "x"),
        (b"{}", Code.FIELD_REQUIRED, "price"),
        (b"[]", Code.FIELD_INVALID, "body"),
        (b"{", Code.MALFORMED_JSON, None),
    ],
)
@pytest.mark.parametrize("where", ["/api/test/echo", "/api/test/echo-async"])
def test_both_kinds_of_endpoint_refuse_alike(where: str, body: bytes, code: Code, field: str | None) -> None:
    answer = person("ann").post(where, body)
    assert (answer.code, answer.field) == (code, field)


@with_test_routes
@pytest.mark.parametrize("where", ["/api/test/echo", "/api/test/echo-async"])
def test_a_refusal_is_short_however_long_the_field(where: str) -> None:
    answer = person("ann").post(where, {"x" * 100_000: 1, "price": 1})
    assert (answer.code, answer.field) == (Code.FIELD_UNKNOWN, "x" * 200)


@pytest.mark.parametrize(
    ("fields", "field", "limit"),
    [
        ({"username": "a" * 151}, "username", "length <= 150"),
        ({"username": ""}, "username", "length >= 1"),
        ({"username": None}, "username", "not null"),
        ({"username": 5}, "username", None),
        ({"email": "nobody"}, "email", None),
    ],
)
def test_a_broken_rule_is_said_in_no_language(fields: dict[str, Any], field: str, limit: str | None) -> None:
    body = {"username": "ann", "password": "correct horse battery", **fields}
    error = anonymous().post("/api/auth/register", body).body["error"]
    assert (error["code"], error["field"], error["limit"]) == (Code.FIELD_INVALID, field, limit)
    assert error["message_zh"] == error_text(Code.FIELD_INVALID, field, limit or "")[1]


@with_test_routes
@pytest.mark.parametrize(("body", "limit"), [(b"[]", "object"), (b"null", "object"), (b'"x"', "object")])
def test_a_type_is_named_in_no_language(body: bytes, limit: str) -> None:
    error = person("ann").post("/api/test/echo-async", body).body["error"]
    assert (error["field"], error["limit"]) == ("body", limit)


@with_test_routes
def test_async_endpoint_refuses_methods_tokens_and_hides_errors() -> None:
    wrong_method = person("ann").get("/api/test/echo-async")
    assert (wrong_method.code, wrong_method.headers["Allow"]) == (Code.METHOD_NOT_ALLOWED, "POST")
    assert anonymous().post("/api/test/echo-async").code == Code.UNAUTHENTICATED
    broken = person("bob").post("/api/test/echo-async", {"price": 13})
    assert (broken.status, broken.code) == (500, Code.INTERNAL)


@with_test_routes
async def test_async_endpoint_runs_on_the_event_loop() -> None:
    from asgiref.sync import sync_to_async

    ann = await sync_to_async(person)("ann")
    headers = {"Authorization": f"Bearer {ann.token}"}
    response = await AsyncClient().post(
        "/api/test/echo-async", b'{"price":1.5}', content_type="application/json", headers=headers
    )
    assert json_loads(response.content)["data"] == {"price": json_loads(b"1.5"), "user_id": str(ann.user_id)}
    assert (await AsyncClient().get("/api/nowhere")).json()["error"]["code"] == Code.NOT_FOUND


@with_test_routes
async def test_thin_endpoints_keep_to_our_hosts_and_to_tls() -> None:
    where, json = "/api/test/echo-async", "application/json"
    foreign = await AsyncClient().post(where, b"{}", content_type=json, headers={"Host": "evil.example"})
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (400, Code.REQUEST_MALFORMED)
    with override_settings(SECURE_SSL_REDIRECT=True):
        plain = await AsyncClient().post(where, b"{}", content_type=json)
        assert plain.status_code == 301


@pytest.mark.parametrize("code", list(TEXTS))
def test_every_code_makes_a_whole_sentence_with_and_without_limits(code: Code) -> None:
    for arguments in ({}, {"field": "price", "limit": "3450", "value": "3501"}):
        error = ApiError(code, **arguments)  # type: ignore[arg-type]
        for text in error_text(code, error.field, error.limit, error.value):
            assert text
            assert "{" not in text
            assert "(limit )" not in text
