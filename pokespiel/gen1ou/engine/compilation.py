"""How the rules are compiled: one decorator for every function of a battle step.

Numba's own on-disk cache does not notice a changed table or an edited callee in another file, so
it is kept in a folder named by a hash of everything a compiled step depends on.
"""

import ast
import contextlib
import functools
import hashlib
import inspect
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np

ENGINE = Path(__file__).parent
PACKAGE = ENGINE.parents[1]
KEPT_SECONDS = 30 * 24 * 3600
_config: Any = numba.config
_types: Any = numba.types
F = TypeVar("F", bound=Callable[..., object])


def imported_sources(source: Path) -> set[Path]:
    """The file and, transitively, every file of this package that it imports from."""
    found: set[Path] = set()
    waiting = [source]
    while waiting:
        file = waiting.pop()
        if file in found:
            continue
        found.add(file)
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                waiting += _files_of(node, file)
    return found


def _files_of(node: ast.ImportFrom, file: Path) -> list[Path]:
    """The files of this package behind ``from module import names``."""
    parts = node.module.split(".") if node.module else []
    if node.level:
        folder = file.parents[node.level - 1].joinpath(*parts)
    elif parts[0] == PACKAGE.name:
        folder = PACKAGE.joinpath(*parts[1:])
    else:
        return []
    module = folder.with_suffix(".py")
    if module.exists():
        return [module]
    return [
        file if (file := folder / f"{alias.name}.py").exists() else folder / "__init__.py"
        for alias in node.names
    ]


def fingerprint(source: Path) -> str:
    """Hash of all that the compiled functions of a file depend on.

    That is the file, the files it imports functions and constants from, the tables, and the
    compiler.
    """
    digest = hashlib.sha256()
    for file in sorted([*imported_sources(source), *ENGINE.glob("data/*.json")]):
        digest.update(str(file.relative_to(PACKAGE)).encode() + b"\0" + file.read_bytes())
    for part in (numba.__version__, np.__version__, sys.version, platform.machine()):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:16]


def cache_root() -> Path:
    """The folder of all compiled code: in ``POKESPIEL_CACHE`` or the user's cache folder."""
    root = os.environ.get("POKESPIEL_CACHE")
    if root is None:
        root = os.path.join(
            os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "pokespiel"
        )
    return Path(root) / "engine"


@functools.cache
def cache_directory(source: Path) -> Path:
    """Where a file's compiled code is kept; marks the folder as in use today."""
    folder = cache_root() / fingerprint(source)
    with contextlib.suppress(OSError):
        os.utime(folder)
    return folder


def remove_old_caches() -> None:
    """Remove compiled code of other versions that nothing has loaded for 30 days."""
    for folder in cache_root().glob("[0-9a-f]" * 16):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(folder)


def _one_version(dispatcher: Any) -> Any:
    """Compile a function once, for whatever integers it is called with.

    Numba would compile it anew for every constant and width of integer in its callers, which
    triples the time to compile the engine.
    """
    choose = dispatcher.get_call_template

    def widen(kind: Any) -> Any:
        kind = _types.unliteral(kind)
        return _types.int64 if isinstance(kind, _types.Integer) else kind

    def get_call_template(args: Any, kws: Any) -> Any:
        return choose(tuple(widen(a) for a in args), {k: widen(v) for k, v in kws.items()})

    dispatcher.get_call_template = get_call_template
    return dispatcher


def compiled(function: F) -> F:
    """A function of the battle step."""
    return _decorated(function, forceinline=False)


def inlined(function: F) -> F:
    """A small function that is always compiled into its callers."""
    return _decorated(function, forceinline=True)


def _decorated(function: F, *, forceinline: bool) -> F:
    if _config.DISABLE_JIT:
        return function
    dispatcher = numba.njit(error_model="numpy", forceinline=forceinline)(function)
    decorated: F = _one_version(dispatcher)
    return decorated


def entry_point(function: F) -> F:
    """A function called from Python: compiled once and kept on disk."""
    before = _config.CACHE_DIR
    _config.CACHE_DIR = str(cache_directory(_source(function)))
    try:
        compile_ = numba.njit(error_model="numpy", cache=True, parallel=True, nogil=True)
        decorated: F = compile_(function)  # type: ignore[assignment]
    finally:
        _config.CACHE_DIR = before
    return decorated


def compiles_now(function: Any) -> bool:
    """Whether calling an entry point for the first time will compile it, not load it."""
    if _config.DISABLE_JIT or function.signatures:
        return False
    return not any(cache_directory(_source(function)).rglob(f"*{function.__name__}-*.nbc"))


def _source(function: Callable[..., object]) -> Path:
    return Path(inspect.getfile(inspect.unwrap(function))).resolve()
