"""Meta-solvers: payoffs in, distributions out.

>>> import solvers
>>> solvers.get("uniform").solve([[0.5, 1.0], [0.0, 0.5]]).marginals[0]
array([0.5, 0.5])
"""

from solvers.base import (
    MetaSolver,
    MetaStrategy,
    Payoffs,
    UnsupportedGameError,
    as_payoffs,
)
from solvers.comparison import Comparison, ComparisonRow, compare
from solvers.registry import available, get

__all__ = [
    "Comparison",
    "ComparisonRow",
    "MetaSolver",
    "MetaStrategy",
    "Payoffs",
    "UnsupportedGameError",
    "as_payoffs",
    "available",
    "compare",
    "get",
]
