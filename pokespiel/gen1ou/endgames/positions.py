"""Endgames that every Gen 1 OU player knows, small enough to solve."""

from __future__ import annotations

from pokespiel.gen1ou.endgames.position import Position, Standing

_BULL = ("Body Slam", "Hyper Beam")
_BOMB = ("Body Slam", "Self-Destruct")

_ALL = (
    # Who uses Hyper Beam, and when? Speed ties decide the rest.
    Position("tauros-mirror", (Standing("Tauros", _BULL),), (Standing("Tauros", _BULL),)),
    Position(
        "tauros-ahead",
        (Standing("Tauros", _BULL, hp=220),),
        (Standing("Tauros", _BULL, hp=180),),
    ),
    Position(
        "tauros-paralysed",
        (Standing("Tauros", _BULL, status="par"),),
        (Standing("Tauros", _BULL, hp=160),),
    ),
    # Hyper Beam knocks out before the explosion, but a survivor's user has to recharge.
    Position(
        "tauros-snorlax-boom",
        (Standing("Tauros", _BULL, hp=250),),
        (Standing("Snorlax", _BOMB, hp=350),),
    ),
    Position(
        "tauros-snorlax-late-boom",
        (Standing("Tauros", _BULL, hp=150),),
        (Standing("Snorlax", _BOMB, hp=250),),
    ),
    # The slower side's only hope is paralysis.
    Position(
        "rhydon-zapdos",
        (Standing("Rhydon", ("Rock Slide", "Body Slam"), hp=150),),
        (Standing("Zapdos", ("Drill Peck", "Agility"), hp=250),),
    ),
    # Thunder Wave first, or damage first?
    Position(
        "alakazam-chansey",
        (Standing("Alakazam", ("Seismic Toss", "Thunder Wave")),),
        (Standing("Chansey", ("Seismic Toss", "Thunder Wave"), hp=500),),
    ),
    Position(
        "starmie-alakazam",
        (Standing("Starmie", ("Blizzard", "Thunder Wave"), hp=150),),
        (Standing("Alakazam", ("Seismic Toss", "Thunder Wave"), hp=200),),
    ),
    # Sleep, whose length neither player knows.
    Position(
        "gengar-chansey",
        (Standing("Gengar", ("Explosion", "Night Shade", "Hypnosis")),),
        (Standing("Chansey", ("Seismic Toss", "Thunder Wave"), hp=600),),
    ),
    Position(
        "jynx-mirror",
        (Standing("Jynx", ("Lovely Kiss", "Blizzard"), hp=200),),
        (Standing("Jynx", ("Lovely Kiss", "Blizzard"), hp=200),),
    ),
    Position(
        "jynx-paralysed",
        (Standing("Jynx", ("Lovely Kiss", "Blizzard"), hp=200),),
        (Standing("Jynx", ("Lovely Kiss", "Blizzard"), hp=150, status="par"),),
    ),
    Position(
        "exeggutor-starmie",
        (Standing("Exeggutor", ("Sleep Powder", "Explosion"), hp=250),),
        (Standing("Starmie", ("Blizzard", "Thunder Wave"), hp=200),),
    ),
    # Screens and Rest.
    Position(
        "snorlax-reflect",
        (Standing("Snorlax", ("Body Slam", "Reflect", "Hyper Beam"), hp=300),),
        (Standing("Snorlax", ("Body Slam", "Reflect", "Hyper Beam"), hp=300),),
    ),
    Position(
        "cloyster-snorlax",
        (Standing("Cloyster", ("Explosion", "Blizzard"), hp=120),),
        (Standing("Snorlax", ("Body Slam", "Rest"), hp=300),),
    ),
    # Two against two: a sleeper on the bench, an immune Pokémon to switch to.
    Position(
        "sleeper-on-the-bench",
        (
            Standing("Tauros", _BULL, hp=120),
            Standing("Exeggutor", ("Psychic", "Explosion"), hp=60, status="slp", slept=2),
        ),
        (
            Standing("Tauros", _BULL, hp=120),
            Standing("Alakazam", ("Seismic Toss",), hp=60),
        ),
    ),
    Position(
        "bolt-or-ground",
        (
            Standing("Zapdos", ("Thunderbolt", "Drill Peck"), hp=90),
            Standing("Tauros", ("Body Slam",), hp=60),
        ),
        (Standing("Starmie", ("Blizzard",), hp=100), Standing("Rhydon", ("Rock Slide",), hp=90)),
    ),
    Position(
        "slam-or-ghost",
        (Standing("Snorlax", _BOMB, hp=150), Standing("Tauros", ("Earthquake",), hp=100)),
        (
            Standing("Chansey", ("Seismic Toss",), hp=250),
            Standing("Gengar", ("Night Shade",), hp=150),
        ),
    ),
)

POSITIONS: dict[str, Position] = {position.name: position for position in _ALL}
"""Positions by name."""
