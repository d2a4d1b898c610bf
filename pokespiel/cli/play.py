"""``pokespiel play``: a human against a policy, in the terminal or on a Showdown server."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from numpy.typing import NDArray

from pokespiel.cli.common import closing, failing_in_one_line

if TYPE_CHECKING:
    from poke_env.battle import Battle, Pokemon

    from pokespiel.gen1ou.showdown.decision import BattleResult, Decision


@click.command()
@click.argument("opponent")
@click.option(
    "--team",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your team, a Showdown export. [default: drawn from PokéSpiel's teams]",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    help="Of teams and the opponent. [default: another one each time]",
)
@click.option(
    "--showdown",
    is_flag=True,
    help="Wait on a local server to be challenged, by a browser or any other account.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="--showdown: the server's port. [default: 8000]",
)
@click.option(
    "--account",
    metavar="NAME",
    help="--showdown: what the opponent is called there. [default: PokeSpiel]",
)
@click.option(
    "--battles",
    type=click.IntRange(min=1),
    help="--showdown: stop after so many. [default: go on until Ctrl-C]",
)
def play(
    opponent: str,
    team: Path | None,
    seed: int | None,
    showdown: bool,
    port: int | None,
    account: str | None,
    battles: int | None,
) -> None:
    """Play Gen 1 OU against OPPONENT on a local Showdown server.

    OPPONENT is a baseline (random, max_damage, ...), starter (the network that comes with
    PokéSpiel), an agent of metamon's (SyntheticRLV2), a stored policy's directory, a run's
    directory (one policy of its mixture is drawn for each battle) or RUN:STRATEGY (runs/first:BR2,
    runs/first:2). Each turn shows what happened and the legal choices; type the number of one.
    Ctrl-C or q gives the battle up.

    With --showdown nothing is asked here: the opponent waits under its account's name. Challenge it
    to [Gen 1] OU from Showdown's client (the server's address leads to it; it is loaded from
    Showdown's site) or from a program, with a team of your own.

    \b
    Examples:
      pokespiel play starter
      pokespiel play runs/first --team mine.txt
      pokespiel play runs/first:BR2 --seed 1
      pokespiel play runs/first --showdown --port 8000
    """  # fmt: skip
    given = {"--port": port, "--account": account, "--battles": battles}
    wrong = [name for name, value in given.items() if value is not None]
    with failing_in_one_line():
        if showdown and team is not None:
            raise click.UsageError("--team is for the terminal; a challenger brings its own")
        if not showdown and wrong:
            raise click.UsageError(f"{wrong[0]} is for --showdown")
        if showdown:
            _wait_for_challenges(opponent, seed, port or 8000, account or "PokeSpiel", battles)
        else:
            _play(opponent, team, seed)


def _wait_for_challenges(
    opponent: str, seed: int | None, port: int, account: str, battles: int | None
) -> None:
    from pokespiel.cli.host import host
    from pokespiel.cli.opponents import resolve
    from pokespiel.gen1ou.showdown.questions import PolicyError
    from pokespiel.gen1ou.showdown.server import ShowdownServer
    from pokespiel.gen1ou.teams import load_teams

    policy = resolve(opponent).policy
    with ShowdownServer(port) as server:
        ready = (
            f"{opponent} waits as {account} at http://localhost:{server.port} "
            f"({server.websocket_url} for programs); challenge it to [Gen 1] OU. Ctrl-C stops it."
        )
        try:
            host(
                policy,
                load_teams(),
                server.websocket_url,
                name=account,
                battles=battles,
                rng=np.random.default_rng(seed),
                say=click.echo,
                ready=ready,
            )
        except KeyboardInterrupt:
            click.echo("stopped")
        except PolicyError as error:
            raise click.ClickException(str(error)) from error


def _play(opponent: str, team: Path | None, seed: int | None) -> None:
    from pokespiel.cli.opponents import resolve
    from pokespiel.gen1ou.showdown.arena import Arena, Match
    from pokespiel.gen1ou.showdown.server import ShowdownServer
    from pokespiel.gen1ou.showdown.validator import validate_team
    from pokespiel.gen1ou.teams import load_teams, pack
    from pokespiel.protocols import Mixture

    rival = resolve(opponent)
    rng = np.random.default_rng(seed)
    teams = load_teams()
    mine = pack(team.read_text("utf-8")) if team is not None else teams[rng.integers(len(teams))]
    if team is not None:
        validate_team(mine)
    policy = rival.policy
    if isinstance(policy, Mixture):
        policy = policy.sample(rng, 1)[0]
    human = Human()
    theirs = teams[int(rng.integers(len(teams)))]
    with ShowdownServer() as server, closing(Arena(server, concurrency=1)) as arena:
        try:
            arena.play([Match((human, policy), (mine, theirs))], rng=rng)
        except KeyboardInterrupt:
            human.verdict = "\nyou gave the battle up"
    click.echo(human.verdict)


class Human:
    """Asks on the terminal; a policy for the arena."""

    name = "human"

    def __init__(self) -> None:
        self.verdict = "the battle was not finished"
        self._told = 0
        self._battle: Battle | None = None

    def act(self, decisions: Sequence[Decision], rng: np.random.Generator) -> NDArray[np.int64]:
        """Show what happened, the position and the legal choices; read a choice for each."""
        return np.array([self._ask(decision) for decision in decisions], dtype=np.int64)

    def finished(self, battle_id: int, result: BattleResult) -> None:
        """Show how it ended."""
        assert self._battle is not None
        self._tell(self._battle)
        won = self._battle.won
        outcome = "a tie" if won is None else "you won" if won else "you lost"
        self.verdict = f"{outcome} after {result.turns} turns"

    def _ask(self, decision: Decision) -> int:
        battle = self._battle = decision.battle
        self._tell(battle)
        theirs, mine = battle.opponent_active_pokemon, battle.active_pokemon
        if theirs is not None:
            click.echo(f"  opponent: {_described(theirs)}")
        if mine is not None:
            click.echo(f"  you:      {_described(mine)}")
        choices = _choices(decision)
        for number, (_, words) in enumerate(choices, start=1):
            click.echo(f"  {number}) {words}")
        while True:
            text = _read(f"choice [1-{len(choices)}, q gives up]: ")
            if text == "q":
                raise KeyboardInterrupt
            if text.isdecimal() and 1 <= int(text) <= len(choices):
                return choices[int(text) - 1][0]
            click.echo(f"type a number from 1 to {len(choices)}, or q")

    def _tell(self, battle: Battle) -> None:
        """Show the battle log since the last time."""
        log = battle._replay_data
        for message in log[self._told :]:
            line = told(message, battle.player_role or "p1")
            if line:
                click.echo(line)
        self._told = len(log)


def _read(prompt: str) -> str:
    """A line from the terminal; Ctrl-C and the end of input give the battle up."""
    # The arena's loop keeps Ctrl-C to itself, but does not run while a line is awaited.
    kept = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return input(prompt).strip().lower()
    except EOFError:
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGINT, kept)


def _described(pokemon: Pokemon) -> str:
    status = f", {pokemon.status.name.lower()}" if pokemon.status is not None else ""
    boosts = ", ".join(f"{stat} {value:+d}" for stat, value in pokemon.boosts.items() if value)
    return (
        f"{_name(pokemon)} {pokemon.current_hp_fraction:.0%}{status}"
        + (f", {boosts}" if boosts else "")
    )  # fmt: skip


def _name(pokemon: Pokemon) -> str:
    return str(pokemon.base_species).capitalize()


def _choices(decision: Decision) -> list[tuple[int, str]]:
    """Legal actions in words."""
    from pokespiel.gen1ou.actions import NUM_MOVES, move_slots

    battle = decision.battle
    moves, team = move_slots(battle), list(battle.team.values())
    found = []
    for action in np.flatnonzero(decision.legal).tolist():
        if action >= NUM_MOVES:
            words = f"switch to {_described(team[action - NUM_MOVES])}"
        elif decision.legal[:NUM_MOVES].sum() == 1 and len(battle.available_moves) == 1:
            # Perhaps a move outside of the four slots, such as recharging.
            words = _spoken(battle.available_moves[0].id)
        else:
            move = moves[action]
            words = f"{_spoken(move.id)} ({move.type.name.lower()}, {move.current_pp} PP)"
        found.append((action, words))
    return found


def _spoken(identifier: str) -> str:
    from poke_env.data import GenData

    known = GenData.from_gen(1).moves.get(identifier, {})
    return str(known.get("name", identifier))


_STATUSES = {
    "par": "is paralysed", "slp": "fell asleep", "frz": "was frozen", "brn": "was burned",
    "psn": "was poisoned", "tox": "was badly poisoned",
}  # fmt: skip


def told(message: Sequence[str], role: str) -> str:
    """A line of Showdown's battle protocol in words, empty for what need not be said."""
    kind, rest = (message[1], list(message[2:])) if len(message) > 1 else ("", [])
    who = _whose(rest[0], role) if rest else ""
    if kind == "turn":
        return f"\nTurn {rest[0]}"
    if kind == "move":
        return f"  {who} used {rest[1]}"
    if kind in ("switch", "drag"):
        return f"  {who} came in"
    if kind == "faint":
        return f"  {who} fainted"
    if kind in ("-damage", "-heal"):
        return f"  {who}: {_health(rest[1])}"
    if kind == "-status":
        return f"  {who} {_STATUSES.get(rest[1], rest[1])}"
    if kind == "-curestatus":
        return f"  {who} is cured"
    if kind == "cant":
        return f"  {who} cannot move ({rest[1]})"
    if kind in ("-boost", "-unboost"):
        sign = "+" if kind == "-boost" else "-"
        return f"  {who}: {rest[1]} {sign}{rest[2]}"
    if kind == "-start":
        return f"  {who}: {rest[1].removeprefix('move: ')} begins"
    if kind == "-end":
        return f"  {who}: {rest[1].removeprefix('move: ')} ends"
    plain = {
        "-crit": "a critical hit", "-supereffective": "super effective",
        "-resisted": "not very effective", "-immune": "no effect", "-miss": "missed",
        "-fail": "it failed",
    }  # fmt: skip
    return f"    {plain[kind]}" if kind in plain else ""


def _whose(identity: str, role: str) -> str:
    """``p1a: Snorlax`` as whose it is."""
    side, _, name = identity.partition(": ")
    return f"{'your' if side.startswith(role) else 'their'} {name}" if name else identity


def _health(condition: str) -> str:
    """``210/523 par`` as a share."""
    points = condition.split()[0] if condition else "0"
    if "/" not in points:
        return "0%"
    left, full = points.split("/")
    return f"{float(left) / float(full):.0%}"
