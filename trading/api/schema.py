"""The OpenAPI entries of the thin async order routes, which drf-spectacular cannot see.
`thin_routes_hook` is named in SPECTACULAR_SETTINGS, before the hook that adds the envelope."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from engine.border import ExactNumber
from trading.api import orders

NUMBER: Final[dict[str, Any]] = {
    "oneOf": [
        {"type": "string", "pattern": r"^-?[0-9]{1,18}(\.[0-9]{1,12})?$"},
        {"type": "number"},
    ]
}
_TEXT: Final = {"type": "string"}
_TEXT_OR_NULL: Final = {"type": "string", "nullable": True}
_NUMBER_OR_NULL: Final = {"type": "number", "nullable": True}
_INTEGER: Final = {"type": "integer"}
_WRITTEN: Final[dict[str, Any]] = {
    "order_id": _TEXT,
    "account_id": _TEXT,
    "client_order_id": _TEXT_OR_NULL,
    "status": _TEXT,
    "seq": {"type": "integer", "description": "where the command stands in the journal"},
    "epoch": _INTEGER,
}
_SUBMITTED: Final = {
    **_WRITTEN,
    "filled_volume": _NUMBER_OR_NULL,
    "volume_left": _NUMBER_OR_NULL,
    "repeated": {"type": "boolean", "description": "the id was used before with the same body"},
}
_QUERIED: Final = {**_WRITTEN, "order_id": _TEXT_OR_NULL, "code": {"type": "integer", "nullable": True}}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _batch(result: dict[str, Any]) -> dict[str, Any]:
    row = {
        "index": _INTEGER,
        "success": {"type": "boolean"},
        "error": {"allOf": [{"$ref": "#/components/schemas/Error"}], "nullable": True},
    }
    results = {"type": "object", "required": list(row), "properties": {**row, **result}}
    return _object(
        {
            "total": _INTEGER,
            "success_count": _INTEGER,
            "failed_count": _INTEGER,
            "results": {"type": "array", "items": results},
            "seq": {"type": "integer", "nullable": True},
        }
    )


# path → (view, body, data of the answer)
ROUTES: Final[dict[str, tuple[Any, type[Any], dict[str, Any]]]] = {
    "/api/order/submit": (orders.order_submit, orders.SubmitBody, _object(_SUBMITTED)),
    "/api/order/cancel": (orders.order_cancel, orders.CancelBody, _object(_WRITTEN)),
    "/api/order/batch": (orders.order_batch, orders.BatchBody, _batch(_SUBMITTED)),
    "/api/order/batch-cancel": (orders.order_batch_cancel, orders.BatchCancelBody, _batch(_WRITTEN)),
    "/api/order/query": (orders.order_query, orders.QueryBody, _object(_QUERIED)),
}


def thin_routes_hook(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add the thin routes and the schemas of their bodies."""
    bodies = [body for _, body, _ in ROUTES.values()]
    _, components = msgspec.json.schema_components(
        bodies, schema_hook=_schema_of, ref_template="#/components/schemas/{name}"
    )
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas.update({name: _openapi_30(schema) for name, schema in components.items()})
    paths = result.setdefault("paths", {})
    for path, (view, body, data) in ROUTES.items():
        paths[path] = {"post": _operation(path, view, body, data)}
    result["paths"] = dict(sorted(paths.items()))
    return result


def _operation(path: str, view: Any, body: type[Any], data: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": path.removeprefix("/").replace("/", "_").replace("-", "_"),
        "description": view.__doc__ or "",
        "tags": ["order"],
        "security": [{"bearer": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{body.__name__}"}}},
        },
        "responses": {"200": {"description": "done", "content": {"application/json": {"schema": data}}}},
    }


def _schema_of(kind: type[Any]) -> dict[str, Any]:
    if kind is ExactNumber:
        return dict(NUMBER)
    raise NotImplementedError(kind)


def _openapi_30(schema: Any) -> Any:
    """JSON Schema's `null` as OpenAPI 3.0 writes it."""
    if isinstance(schema, list):
        return [_openapi_30(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _openapi_30(value) for key, value in schema.items()}
    if plain.get("required") == []:
        del plain["required"]
    choices = plain.get("anyOf")
    if choices is not None and {"type": "null"} in choices:
        rest = [choice for choice in choices if choice != {"type": "null"}]
        del plain["anyOf"]
        plain |= rest[0] if len(rest) == 1 else {"anyOf": rest}
        plain["nullable"] = True
    return plain
