"""Endgames that every Gen 1 OU player knows, small enough to solve."""

from __future__ import annotations

from pokespiel.gen1ou.endgames.position import Position, Standing

_BULL = ("Body Slam", "Hyper Beam")

_ALL = (
    Position(
        "tauros-mirror",
        (Standing("Tauros", ("Body Slam", "Hyper Beam")),),
        (Standing("Tauros", ("Body Slam", "Hyper Beam")),),
    ),
    Position(
        "tauros-ahead",
        (Standing("Tauros", _BULL, hp=220),),
        (Standing("Tauros", _BULL, hp=180),),
    ),
)

POSITIONS: dict[str, Position] = {position.name: position for position in _ALL}
"""Positions by name."""
