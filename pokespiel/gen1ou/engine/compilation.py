"""How the rules are compiled: one decorator for every function of a battle step.

Numba's own on-disk cache does not notice a changed table or an edited callee in another file, so
it is kept in a folder named by a hash of everything a compiled step depends on.
"""

import hashlib
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np

ENGINE = Path(__file__).parent
_config: Any = numba.config
_types: Any = numba.types
F = TypeVar("F", bound=Callable[..., object])


def fingerprint() -> str:
    """Hash of all compiled sources, the tables, and the compiler that builds them.

    The folder above compiles functions of its own, which share constants between files.
    """
    digest = hashlib.sha256()
    for file in sorted(
        [*ENGINE.glob("*.py"), *ENGINE.glob("data/*.json"), *ENGINE.parent.glob("*.py")]
    ):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    for part in (numba.__version__, np.__version__, sys.version, platform.machine()):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:16]


def cache_directory() -> Path:
    """Where compiled code is kept: ``POKESPIEL_CACHE`` or the user's cache folder."""
    root = os.environ.get("POKESPIEL_CACHE")
    if root is None:
        root = os.path.join(
            os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "pokespiel"
        )
    return Path(root) / "engine" / fingerprint()


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
    _config.CACHE_DIR = str(cache_directory())
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
    return not any(cache_directory().rglob(f"*{function.__name__}-*.nbc"))
