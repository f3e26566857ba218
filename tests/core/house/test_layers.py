"""The house's floors, where import-linter cannot look: parts of packages, and the core's alphabet.
Run by pytest, core tier."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parents[3]
CORE_MAY_IMPORT = sys.stdlib_module_names | {"sortedcontainers"}
MODELS = ("django.db", "django.contrib")


def imports_of(folder: str) -> Iterator[tuple[str, str]]:
    """(file and line, module) of every absolute import under a folder, those inside functions too."""
    for path in sorted((BASE_DIR / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            place = f"{path.relative_to(BASE_DIR)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import):
                yield from ((place, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                yield from ((place, f"{node.module}.{alias.name}") for alias in node.names)


def test_the_core_imports_only_the_standard_library_and_itself() -> None:
    strangers = [
        (place, module)
        for place, module in imports_of("engine/core")
        if not module.startswith("engine.core") and module.partition(".")[0] not in CORE_MAY_IMPORT
    ]
    assert strangers == []


def test_the_engine_has_no_django_models() -> None:
    assert [(place, module) for place, module in imports_of("engine") if module.startswith(MODELS)] == []
