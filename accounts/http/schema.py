"""What the OpenAPI schema cannot know by itself: our token, and the envelope around every answer.
Loaded by accounts/apps.py; `envelope_hook` is named in SPECTACULAR_SETTINGS."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

PREFIX = "/api/"
METHODS = frozenset({"get", "post", "put", "patch", "delete"})
ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["code", "message", "message_zh", "field", "limit"],
    "properties": {
        "code": {"type": "integer", "description": "of the closed table; never reused"},
        "message": {"type": "string"},
        "message_zh": {"type": "string"},
        "field": {"type": "string", "nullable": True},
        "limit": {"type": "string", "nullable": True},
    },
}
REFUSED_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["success", "data", "error"],
    "properties": {
        "success": {"type": "boolean", "enum": [False]},
        "data": {"type": "object", "nullable": True, "description": "always null"},
        "error": {"$ref": "#/components/schemas/Error"},
    },
}


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """`Authorization: Bearer <access token>`."""

    target_class = "accounts.http.auth.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """The scheme's entry."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def envelope_hook(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Wrap every 2xx JSON answer of /api in the envelope and add the refusal; skips `x-bare` operations."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas["Error"], schemas["Refused"] = ERROR_SCHEMA, REFUSED_SCHEMA
    for path, operations in result.get("paths", {}).items():
        for method, operation in operations.items():
            if path.startswith(PREFIX) and method in METHODS:
                _operation_wrap(operation)
    return result


def _operation_wrap(operation: dict[str, Any]) -> None:
    bare = operation.pop("x-bare", False)
    for status, response in operation.get("responses", {}).items():
        content = response.get("content", {}).get("application/json")
        if content is not None and status.startswith("2") and not bare:
            content["schema"] = _accepted(content.get("schema", {}))
    operation["responses"]["default"] = {
        "description": "refused",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refused"}}},
    }


def _accepted(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["success", "data", "error"],
        "properties": {
            "success": {"type": "boolean", "enum": [True]},
            "data": data,
            "error": {"type": "object", "nullable": True, "description": "always null"},
        },
    }
