"""Builds the core with mypyc from the very files that also run as they are, and finds what was built.
Run by `make compile`; asked by engine/__init__.py when OUTCRY_CORE=compiled."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).parent / "core"
BUILD = Path(__file__).parent.parent / "build" / "compiled"
# What stays Python: the enumeration, and the readers' views, whose field types the codec asks for at run time.
INTERPRETED = ("codes.py", "codes_table.py", "views.py")


def sources_digest() -> str:
    """SHA-256 over the names and contents of the core's files and the interpreter's version."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(SOURCES.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def compiled_engine() -> str:
    """Make what was built importable; the folder whose core/ is compiled.

    Raises ImportError when nothing was built, or the sources are not those it was built from.
    """
    stamp = BUILD / "sources.sha256"
    if not stamp.exists():
        raise ImportError("OUTCRY_CORE=compiled, but nothing is compiled here: run `make compile`")
    if stamp.read_text() != sources_digest():
        raise ImportError("OUTCRY_CORE=compiled, but engine/core changed since: run `make compile` again")
    sys.path.append(str(BUILD))  # what the compiled modules share lies there, under a name of its own
    return str(BUILD / "engine")


def compile_core() -> None:
    """Needs mypy (a development dependency) and a C compiler. Raises CalledProcessError."""
    shutil.rmtree(BUILD, ignore_errors=True)
    core = BUILD / "engine" / "core"
    shutil.copytree(SOURCES, core, ignore=shutil.ignore_patterns("__pycache__"))
    (BUILD / "engine" / "__init__.py").touch()
    (BUILD / "mypy.ini").write_text(
        "[mypy]\n"
    )  # the project's own settings name plugins the core does not need
    modules = sorted(f"engine/core/{path.name}" for path in core.glob("*.py") if path.name not in INTERPRETED)
    subprocess.run(
        [sys.executable, "-m", "mypyc", *modules], cwd=BUILD, check=True, stdout=subprocess.DEVNULL
    )
    for module in modules:
        (BUILD / module).unlink()
    (BUILD / "sources.sha256").write_text(sources_digest())


if __name__ == "__main__":
    compile_core()
