"""cvxpy, loaded when a solver first needs it."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any


def cvxpy() -> Any:
    """Import cvxpy, which takes about a second, and return it."""
    return import_module("cvxpy")


def run(problem: Any, solver: str, **options: Any) -> None:
    """Solve a cvxpy problem.

    Raises
    ------
    RuntimeError
        If it did not end optimal.
    """
    with warnings.catch_warnings():
        # Said again, and acted on, by the callers, who check the residual of what they get.
        warnings.filterwarnings("ignore", message="Solution may be inaccurate")
        try:
            problem.solve(solver=solver, warm_start=False, **options)
        except cvxpy().error.SolverError as error:
            raise RuntimeError(f"{solver} failed: {error}") from None
    if problem.status not in ("optimal", "optimal_inaccurate"):
        raise RuntimeError(f"{solver} ended with status {problem.status!r}")
