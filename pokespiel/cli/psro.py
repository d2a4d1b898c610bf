"""``pokespiel psro``: the loop on any game, with any oracle and meta-solver."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from pokespiel.cli.common import (
    Progress,
    closing,
    failing_in_one_line,
    most_weight,
    without_native_stderr,
    write_json,
)

_DOING = {"iteration": "next iteration", "evaluate": "playing cells of the table",
          "respond": "finding a best response"}  # fmt: skip


GEN1OU_TRAINING_GAMES = 16_000
"""What a best response from the starter takes to beat it at all: three or four minutes of one
core."""

FRESH_GAMES = 100
"""On which a trained response is judged."""


@click.command()
@click.argument("game")
@click.option(
    "--oracle",
    type=click.Choice(["exact", "ppo", "tabular_q"]),
    help="Who finds best responses. [default: exact; ppo for gen1ou and --sampled]",
)
@click.option(
    "--meta-solver",
    default="nash",
    show_default=True,
    metavar="NAME",
    help="What makes a mixture of the table; `pokespiel solve --list` names them.",
)
@click.option(
    "--iterations",
    default=10,
    show_default=True,
    type=click.IntRange(min=1),
    help="Iterations in all, those of a resumed run included.",
)
@click.option(
    "--games-per-cell",
    type=click.IntRange(min=1),
    help="Games behind each payoff where it is not exact. [default: 1000; gen1ou: 60]",
)
@click.option(
    "--training-games",
    type=click.IntRange(min=1),
    help="Games a trained response learns from. [default: the oracle's; gen1ou: 16000]",
)
@click.option(
    "--fresh-games",
    type=click.IntRange(min=0),
    help="Games on which each trained response is judged afterwards: a lower bound on the "
    "exploitability of what it answers; 0 for none. [default: 100]",
)
@click.option(
    "--admit",
    type=click.Choice(["always", "significant"]),
    help="Which responses join: all; or, until the first that does not, those whose gain is above "
    "zero by its whole interval. [default: all that are not known to gain nothing]",
)
@click.option(
    "--one-population",
    is_flag=True,
    help="OpenSpiel: one population plays every seat, seats drawn at random.",
)
@click.option(
    "--sampled",
    is_flag=True,
    help="OpenSpiel: play games instead of computing payoffs, for large games.",
)
@click.option(
    "--backend",
    default="engine",
    show_default=True,
    type=click.Choice(["engine", "showdown"]),
    help="gen1ou: who plays the battles.",
)
@click.option(
    "--initial",
    metavar="POLICY",
    help="gen1ou: what the population starts with: starter, network (freshly drawn weights), a "
    "baseline, an agent of metamon's (SyntheticRLV2; metamon-small to try), RUN:STRATEGY or a "
    "stored policy's directory. [default: starter]",
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    help="gen1ou: battles under way at once. [default: 1024; showdown: 40]",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    help="Of everything random (but Showdown's own dice).",
)
@click.option(
    "--directory", type=click.Path(path_type=Path), help="Store the run here. gen1ou needs it."
)
@click.option("--resume", is_flag=True, help="Continue the run in the directory, if it holds one.")
@click.option(
    "--tensorboard",
    type=click.Path(path_type=Path, file_okay=False),
    help="Also log each iteration to this folder, as TensorBoard's scalars.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, no steps.")
@click.pass_context
def psro(ctx: click.Context, /, **options: Any) -> None:
    """Grow populations by best responses to their mixtures.

    GAME is the name of an OpenSpiel game, perhaps with parameters; the path of a payoff file (CSV,
    npz, JSON); or gen1ou, Gen 1 OU on the engine or on a local Showdown server.

    \b
    Examples:
      pokespiel psro kuhn_poker
      pokespiel psro leduc_poker --iterations 40 --directory runs/leduc
      pokespiel psro "goofspiel(num_cards=4,imp_info=True)" --meta-solver alpharank
      pokespiel psro table.csv --json
      pokespiel psro gen1ou --iterations 2 --directory runs/first
      pokespiel psro gen1ou --admit significant --fresh-games 1000 --directory runs/strict
      pokespiel psro gen1ou --iterations 5 --directory runs/first --resume
    """  # fmt: skip
    try:
        with failing_in_one_line():
            _psro(ctx.obj, **options)
    except KeyboardInterrupt:
        stored = options["directory"]
        hint = f"; --resume continues the run in {stored}" if stored is not None else ""
        raise click.ClickException(f"interrupted{hint}") from None


def _psro(
    arguments: list[str],
    *,
    game: str,
    oracle: str | None,
    meta_solver: str,
    iterations: int,
    games_per_cell: int | None,
    training_games: int | None,
    fresh_games: int | None,
    admit: str | None,
    one_population: bool,
    sampled: bool,
    backend: str,
    initial: str | None,
    concurrency: int | None,
    seed: int,
    directory: Path | None,
    resume: bool,
    tensorboard: Path | None,
    as_json: bool,
) -> None:
    import solvers
    from pokespiel.psro import PSRO
    from pokespiel.report.records import command_line, record_command

    # Asked first: a misspelt name must not cost the start of a server.
    solvers.get(meta_solver)
    if resume and directory is None:
        raise click.UsageError("--resume needs the --directory of the run to continue")
    if game == "gen1ou" and directory is None:
        raise click.UsageError("gen1ou needs a --directory for its networks, e.g. runs/first")
    if oracle is None:
        oracle = "ppo" if game == "gen1ou" or sampled else "exact"
    if admit == "significant" and (oracle == "exact" or fresh_games == 0):
        raise click.UsageError(
            "--admit significant needs responses judged on --fresh-games: --oracle ppo or tabular_q"
        )
    progress = Progress(quiet=as_json)
    if initial is not None and game != "gen1ou":
        raise click.UsageError(f"--initial is for gen1ou, not for {game}")
    built = _game(game, one_population, sampled, backend, initial, concurrency, seed)
    with closing(built):
        if hasattr(built, "progress"):
            built.progress = progress.games
        loop = PSRO(
            built,
            oracle=_judged(
                _oracle(oracle, built, training_games, progress), oracle, built, fresh_games
            ),
            meta_solver=meta_solver,
            admit=_admission(admit),
            episodes_per_cell=games_per_cell or (60 if game == "gen1ou" else 1000),
            seed=seed,
            directory=directory,
            resume=resume,
            monitor=lambda what, done, total: progress.doing(_DOING[what]),
        )
        if directory is not None:
            record_command(directory, command_line(arguments))
        if loop.steps and not as_json:
            click.echo(f"resumed after {len(loop.steps)} iterations")
        with _log(tensorboard, len(loop.steps)) as log:
            while len(loop.steps) < iterations and not loop.converged:
                step = loop.step()
                progress.clear()
                if log is not None:
                    log.step(step)
                if not as_json:
                    click.echo(_line(step))
        result = loop.result()
        progress.clear()
        loop.close()
    if as_json:
        write_json(_document(built.name, result, directory, converged=loop.converged))
    else:
        _show(result, directory, converged=loop.converged)


def _admission(name: str | None) -> Any:
    from pokespiel.psro import admit_always, admit_if_it_gains
    from pokespiel.variants.evidence import admit_if_significant

    return {"always": admit_always, "significant": admit_if_significant, None: admit_if_it_gains}[
        name
    ]


def _log(directory: Path | None, start: int) -> Any:
    """A TensorBoard log, or None, as a context manager."""
    if directory is None:
        return nullcontext()
    from pokespiel.report.tensorboard import TensorBoardLog

    return TensorBoardLog(directory, start=start)


def _game(
    name: str,
    one_population: bool,
    sampled: bool,
    backend: str,
    initial: str | None,
    concurrency: int | None,
    seed: int,
) -> Any:
    is_file = name.endswith((".csv", ".npz", ".json"))
    if (name == "gen1ou" or is_file) and (one_population or sampled):
        flag = "--one-population" if one_population else "--sampled"
        raise click.UsageError(f"{flag} is for OpenSpiel games, not for {name}")
    if name == "gen1ou":
        from pokespiel.cli.opponents import room_for, start_of
        from pokespiel.gen1ou.meta_game import Gen1OU

        start = {} if initial is None else {"initial": start_of(initial)}
        concurrency = concurrency or room_for(start.get("initial"), backend)
        return Gen1OU(backend=backend, concurrency=concurrency, seed=seed, **start)
    if is_file:
        from pokespiel.cli.payoff_files import read_payoffs
        from pokespiel.openspiel import MatrixGame

        return MatrixGame(read_payoffs(Path(name)).payoffs)
    from pokespiel.openspiel import OpenSpielGame

    with without_native_stderr():
        return OpenSpielGame(name, exact=not sampled, symmetric=one_population)


def _oracle(name: str, game: Any, training_games: int | None, progress: Progress) -> Any:
    if name == "exact":
        from pokespiel.oracles.exact import ExactOracle

        if training_games is not None:
            raise click.UsageError("--training-games is for trained responses: --oracle ppo or "
                                   "tabular_q")  # fmt: skip
        return ExactOracle()
    if name == "tabular_q":
        from pokespiel.oracles.tabular_q import TabularQOracle

        if training_games is None:
            return TabularQOracle()
        return TabularQOracle(episodes=training_games)
    from pokespiel.oracles.ppo import PPOOracle

    if game.name.startswith("gen1ou("):
        found = gen1ou_oracle(training_games or GEN1OU_TRAINING_GAMES, game.initial)
    else:
        found = PPOOracle() if training_games is None else PPOOracle(episodes=training_games)
    return replace(found, progress=progress.training)


def _judged(built: Any, name: str, game: Any, fresh_games: int | None) -> Any:
    """An oracle whose responses are played on fresh games before they join.

    Those from an agent of metamon's also play that agent, always.
    """
    if name == "exact":
        if fresh_games is not None:
            raise click.UsageError("--fresh-games is for trained responses: --oracle ppo or "
                                   "tabular_q")  # fmt: skip
        return built
    start: Any = game.initial_policies()[0] if game.name.startswith("gen1ou(") else None
    rivals = {start.name: start} if hasattr(start, "agent") else {}
    if fresh_games == 0:
        if rivals:
            raise click.UsageError(
                "best responses from an agent of metamon's are always judged: --fresh-games is at "
                "least 2"
            )
        return built
    from pokespiel.variants.evidence import JudgedOracle

    games = FRESH_GAMES if fresh_games is None else fresh_games
    return JudgedOracle(built, games=games, rivals=rivals)


def gen1ou_oracle(training_games: int, start: Any = None) -> Any:
    """PPO in few large batches: a policy that plays well already forgets in small ones.

    Smaller steps still where ``start``, what the population starts from (`Gen1OU.initial`), is the
    starter, a stored network or an agent of metamon's: what they know is easily lost.
    """
    from pokespiel.oracles.ppo import PPOOracle

    if hasattr(start, "agent"):
        from pokespiel.metamon.finetune import TRAINING

        return PPOOracle(episodes=training_games, start=start, **TRAINING)
    plays = start == "starter" or hasattr(start, "network")
    return PPOOracle(
        episodes=training_games,
        episodes_per_batch=min(max(-(-training_games // (12 if plays else 8)), 40), 2000),
        epochs=3 if plays else 4,
        minibatch=2048,
        learning_rate=(5e-4, 1e-4) if plays else (1e-3, 2e-4),
        trace=0.9,
        entropy=0.001 if plays else 0.003,
    )


def _line(step: Any) -> str:
    """One iteration in one line."""
    from pokespiel.variants.evidence import EVIDENCE, measured

    sizes = " x ".join(map(str, step.sizes))
    parts = [f"iteration {step.iteration}: {sizes} strategies"]
    if step.exploitability is not None:
        parts.append(f"exploitability {step.exploitability:.6f} (exact)")
    parts += [
        f"exploitability {found.estimate:.3f} {found.interval} ({found.kind}, {found.games} fresh "
        "games)"
        for found in measured(step)
        if found.kind != "exact"
    ]
    for response in step.responses:
        cost = response["cost"]
        if "outcome_per_batch" in cost:
            curve = cost["outcome_per_batch"]
            parts.append(
                f"response of player {response['player']} trained on {cost['episodes']} games "
                f"(mean outcome {curve[0]:.2f} in the first batch, {curve[-1]:.2f} in the last)"
            )
        for rival, rate in cost.get(EVIDENCE, {}).get("rivals", {}).items():
            parts.append(
                f"mean outcome {rate['mean']:.2f} [{rate['low']:.2f}, {rate['high']:.2f}] against "
                f"{rival}"
            )
    parts.append(f"{step.seconds:.2f} s")
    return ", ".join(parts)


def _document(name: str, result: Any, directory: Path | None, *, converged: bool) -> dict[str, Any]:
    from pokespiel.runs.step import step_to_json
    from pokespiel.variants.evidence import measured

    strategy = result.meta_strategy
    return {
        "game": name,
        "directory": None if directory is None else str(directory),
        "sizes": result.table.sizes,
        "converged": converged,
        "games": result.table.total_episodes(),
        "meta_strategy": {
            "marginals": list(strategy.marginals),
            "joint": strategy.joint,
            "values": strategy.values,
        },
        "steps": [
            {
                **step_to_json(step),
                "exploitability": step.exploitability,
                "exploitabilities": [found.to_json() for found in measured(step)],
            }
            for step in result.steps
        ],
    }


def _show(result: Any, directory: Path | None, *, converged: bool) -> None:
    from pokespiel.report.run import strategy_name

    if converged:
        click.echo("converged: the last responses gain nothing")
    shared = len(result.populations) == 1
    for player, marginal in enumerate(result.meta_strategy.marginals[: 1 if shared else None]):
        whose = "meta-strategy" if shared else f"meta-strategy of player {player}"
        names = [strategy_name(index) for index in range(len(marginal))]
        click.echo(f"{whose}: {most_weight(marginal, names)}")
    games = result.table.total_episodes()
    click.echo(f"payoffs from {games} games" if games else "payoffs exact")
    if directory is not None:
        click.echo(f"run: {directory}; draw it with: pokespiel report {directory}")
