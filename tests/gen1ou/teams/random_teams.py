"""Random teams, half of them nearly legal: what the two validators must agree on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pokespiel.gen1ou.teams import Member, generate_team
from pokespiel.gen1ou.teams.sets import learnsets, move_names

SPECIES = learnsets()["species"]
BY_NAME = {entry["name"]: entry for entry in SPECIES}
STRANGERS = ("Umbreon", "Missingno.", "Tyranitar", "Nobody")
STRANGE_MOVES = ("Curse", "Sludge Bomb", "Nothing", "Sketch")


def random_team(rng: np.random.Generator) -> list[Member]:
    """A usual team or one of any species with any moves, changed in up to three ways."""
    team = generate_team(rng) if rng.random() < 0.5 else anything_legal(rng)
    for _ in range(int(rng.choice(4, p=[0.4, 0.35, 0.15, 0.1]))):
        change = CHANGES[int(rng.integers(len(CHANGES)))]
        team = change(team, rng)
    return team


def anything_legal(rng):
    """Any species with any moves it can know, at any level at which it can know them."""
    entries = [entry for entry in SPECIES if not entry["banned"]]
    size = int(rng.integers(1, 7))
    return [
        known(entries[k], rng) for k in rng.choice(len(entries), size=size, replace=False).tolist()
    ]


def known(entry, rng):
    moves = [move for move in entry["moves"] if move not in learnsets()["bannedMoves"]]
    number = min(len(moves), int(rng.integers(1, 5)))
    moves = tuple(moves[k] for k in rng.choice(len(moves), size=number, replace=False).tolist())
    lowest = max([entry["minimumLevel"], *(entry["moves"][move] for move in moves)])
    level = 100 if rng.random() < 0.5 else int(rng.integers(lowest, 101))
    return Member(entry["name"], tuple(move_names()[move] for move in moves), level=level)


def one(team, rng, change):
    """The team with one member changed."""
    if not team:
        return team
    place = int(rng.integers(len(team)))
    return [change(m) if k == place else m for k, m in enumerate(team)]


def with_move(member, move, rng):
    moves = list(member.moves) or [move]
    moves[int(rng.integers(len(moves)))] = move
    return replace(member, moves=tuple(moves))


def learnable(member, rng):
    moves = list(BY_NAME.get(member.species, SPECIES[0])["moves"])
    return with_move(member, move_names()[moves[int(rng.integers(len(moves)))]], rng)


def any_move(member, rng):
    moves = list(move_names().values())
    return with_move(member, moves[int(rng.integers(len(moves)))], rng)


def exclusive(member, rng):
    """Give it moves that exclude each other, or all of them but one."""
    entries = [e for e in SPECIES if e["exclusive"]]
    entry = entries[int(rng.integers(len(entries)))]
    together = entry["exclusive"][int(rng.integers(len(entry["exclusive"])))]
    moves = [move_names()[move] for move in together]
    if rng.random() < 0.3:
        moves = moves[:1]
    return replace(member, species=entry["name"], moves=tuple(moves), level=100)


def at_the_edge(member, rng):
    """At, or just below, the level of one of its moves, or of the species itself."""
    entry = BY_NAME.get(member.species, SPECIES[0])
    moves = [move for move, level in entry["moves"].items() if level > 1]
    move = moves[int(rng.integers(len(moves)))] if moves else next(iter(entry["moves"]))
    level = max(entry["moves"][move], entry["minimumLevel"]) - int(rng.random() < 0.5)
    return replace(member, moves=(move_names()[move],), level=max(level, 1))


def spread(member, rng):
    """DVs that fit their HP DV, or not."""
    dvs = rng.integers(16, size=4)
    hp = int(np.sum(dvs % 2 * [8, 4, 1, 2])) if rng.random() < 0.6 else int(rng.integers(16))
    odd = int(rng.integers(2))
    attack, defense, special, speed = (int(dv) * 2 + odd for dv in dvs)
    return replace(member, ivs=(hp * 2 + odd, attack, defense, special, special, speed))


def effort(member, rng):
    evs = [
        (0,) * 6,
        (252, 252, 4, 0, 0, 0),
        (252, 252, 0, 2, 2, 0),
        (255,) * 6,
        (256, 252, 252, 252, 252, 252),
        (1, 0, 0, 0, 0, 0),
        tuple(int(ev) for ev in rng.integers(256, size=6)),
    ]
    return replace(member, evs=evs[int(rng.integers(len(evs)))])


def nickname(team, rng):
    names = ["Rex", "Umbreon", "Tauros", "Bull", "Snorlax", "A" * 18, "B" * 19]
    name = names[int(rng.integers(len(names)))]
    team = one(team, rng, lambda m: replace(m, nickname=name))
    return one(team, rng, lambda m: replace(m, nickname=name)) if rng.random() < 0.5 else team


CHANGES = [
    lambda team, rng: one(team, rng, lambda m: learnable(m, rng)),
    lambda team, rng: one(team, rng, lambda m: learnable(m, rng)),
    lambda team, rng: one(team, rng, lambda m: any_move(m, rng)),
    lambda team, rng: one(team, rng, lambda m: exclusive(m, rng)),
    lambda team, rng: one(team, rng, lambda m: exclusive(m, rng)),
    lambda team, rng: one(team, rng, lambda m: at_the_edge(m, rng)),
    lambda team, rng: one(team, rng, lambda m: at_the_edge(m, rng)),
    lambda team, rng: one(team, rng, lambda m: spread(m, rng)),
    lambda team, rng: one(team, rng, lambda m: effort(m, rng)),
    lambda team, rng: one(team, rng, lambda m: replace(m, level=int(rng.integers(1, 106)))),
    lambda team, rng: one(team, rng, lambda m: replace(m, level=50)),
    lambda team, rng: one(
        team, rng, lambda m: replace(m, species=SPECIES[int(rng.integers(151))]["name"])
    ),
    lambda team, rng: one(
        team, rng, lambda m: replace(m, species=STRANGERS[int(rng.integers(len(STRANGERS)))])
    ),
    lambda team, rng: one(
        team, rng, lambda m: with_move(m, STRANGE_MOVES[int(rng.integers(4))], rng)
    ),
    lambda team, rng: one(team, rng, lambda m: replace(m, moves=(*m.moves, "Rest"))),
    lambda team, rng: one(team, rng, lambda m: replace(m, moves=(*m.moves[1:2], *m.moves[:3]))),
    lambda team, rng: one(team, rng, lambda m: replace(m, moves=m.moves[:-1])),
    lambda team, rng: [*team, *team[: int(rng.integers(1, 3))]],
    lambda team, rng: team[: int(rng.integers(len(team) + 1))],
    nickname,
]
