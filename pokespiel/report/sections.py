"""The report's sections: each takes a run and gives HTML, or an empty string."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from pokespiel.exploitability.result import Exploitability
from pokespiel.report import figures
from pokespiel.report.run import (
    CONFIDENCE,
    Estimate,
    Run,
    against_mixture,
    cell,
    judged_bounds,
    lower_bounds,
    strategy_name,
)
from pokespiel.report.svg import Series, chart, legend, number, tag
from pokespiel.stats import FloatArray, Interval
from pokespiel.uncertainty import meta_strategy_uncertainty
from pokespiel.variants import evidence
from solvers.base import is_constant_sum
from solvers.decomposition import disks, hodge

RESAMPLES = 400
MOST_CURVES = 12
"""Learning curves shown: the latest ones."""

MOST_RECORDS = 20
"""Measurements of iterations shown: the latest ones."""


def section(title: str, content: str, note: str = "") -> str:
    """A card with a heading; empty without content."""
    if not content:
        return ""
    said = tag("p", note, class_="note") if note else ""
    return tag("section", tag("h2", escape(title)) + said + content)


def scrolling(content: str) -> str:
    """Content that may be wider than a phone."""
    return tag("div", content, class_="scroll")


def rows(
    head: Sequence[str], body: Sequence[Sequence[str]], *, left: int = 1, right: int = 0
) -> str:
    """A table; the ``left`` first and ``right`` last columns are words. Cells are HTML."""
    kinds = [*[""] * left, *["num"] * (len(head) - left - right), *["words"] * right]
    cells = zip(head, kinds, strict=True)
    top = tag("tr", "".join(f'<th class="{kind}">{name}</th>' for name, kind in cells))
    lines = "".join(
        tag(
            "tr",
            "".join(f'<td class="{k}">{c}</td>' for c, k in zip(line, kinds, strict=True)),
        )
        for line in body
    )
    return scrolling(tag("table", tag("thead", top) + tag("tbody", lines)))


def estimate(found: Estimate) -> str:
    """An estimate with its interval."""
    if found.is_exact:
        return number(found.value)
    return f"{number(found.value)} [{number(found.low)}, {number(found.high)}]"


# Sections ------------------------------------------------------------------------------------


def facts(run: Run) -> str:
    """The run in a few figures."""
    table = run.table
    sampled = table.total_episodes()
    found = [
        (str(len(run.steps)), "iterations"),
        (" × ".join(map(str, table.sizes[: run.populations])), "strategies"),
        (f"{sampled:,}" if sampled else "exact", "games in the table" if sampled else "payoffs"),
    ]
    exact = [s for s in run.steps if s.exploitability is not None]
    if exact:
        value = exact[-1].exploitability
        assert value is not None
        found.append((number(value), f"exact exploitability, iteration {exact[-1].iteration}"))
    elif bounds := lower_bounds(run, run.table.intervals(CONFIDENCE)):
        iteration, bound = bounds[-1]
        words = f"exploitability, lower bound [{number(bound.low)}, {number(bound.high)}]"
        found.append((number(bound.value), f"{words}, iteration {iteration}"))
    seconds = sum(step.seconds for step in run.steps)
    found.append((duration(seconds), "in the loop"))
    items = "".join(
        tag("div", tag("b", escape(value)) + tag("span", escape(name)), class_="fact")
        for value, name in found
    )
    return tag("div", items, class_="facts")


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 120:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def payoffs(run: Run) -> str:
    """The payoff table as heat maps."""
    table = run.table
    if table.num_players != 2:
        return section(
            "Payoffs", tag("p", f"A game of {table.num_players} players has no payoff matrix.")
        )
    means = means_with_gaps(run)
    interval, counts = table.intervals(CONFIDENCE), table.counts()
    views = [0] if table.symmetric or table.zero_sum else [0, 1]
    maps = []
    for player in views:
        bounds = _colour_bounds(table.payoff_bounds, means[player], unit=_is_win_rate(run))
        drawn = figures.heat_map(
            means[player], interval.low[player], interval.high[player], counts,
            run.names(0), run.names(1), bounds,
        )  # fmt: skip
        head = "" if len(views) == 1 else tag("h3", f"Player {player}")
        maps.append(tag("div", head + scrolling(drawn), class_="card"))
    unit = "Win rate" if _is_win_rate(run) else "Mean return"
    whose = "the row" if table.symmetric or len(views) == 2 else "player 0, the row"
    if len(views) == 2:
        whose = "the player named above"
    sampled = table.total_episodes() > 0
    how = (
        f"with {CONFIDENCE:.0%} intervals ({escape(interval.method)}), each cell on its own games"
        if sampled
        else "computed exactly"
    )
    told = "interval and games" if sampled else "value"
    return section(
        "Payoffs", tag("div", "".join(maps), class_="side"),
        f"{unit} of {whose}, {how}. Point at a cell (or tap it) for its {told}.",
    )  # fmt: skip


def _is_win_rate(run: Run) -> bool:
    return run.table.payoff_bounds == (0.0, 1.0) and run.table.zero_sum


def _colour_bounds(
    bounds: tuple[float, float], means: FloatArray, *, unit: bool
) -> tuple[float, float]:
    """Full colour for what occurs, around the middle of what can occur."""
    if unit:
        return bounds
    middle = sum(bounds) / 2
    known = np.abs(means[np.isfinite(means)] - middle)
    reach = float(known.max()) if known.size and known.max() > 0 else 1.0
    return middle - reach, middle + reach


def means_with_gaps(run: Run) -> FloatArray:
    """Mean payoffs ``(2, n1, n2)``; NaN where nothing was played."""
    if run.payoffs is not None:
        return run.payoffs.tensor
    table = run.table
    means = np.full((table.num_players, *table.sizes), np.nan)
    for profile in np.ndindex(table.sizes):
        means[(slice(None), *profile)] = table.mean(profile)
    return means


def meta_strategies(run: Run) -> str:
    """Weights over the iterations, and how sure the latest are."""
    parts = []
    for population in range(run.populations):
        mixtures = [step.meta_strategy.marginals[population] for step in run.steps]
        columns = [str(step.iteration) for step in run.steps]
        if run.strategy is not None:
            mixtures.append(run.strategy.marginals[population])
            columns.append("now")
        if not mixtures:
            continue
        head = "" if run.populations == 1 else tag("h3", f"Player {population}")
        drawn = figures.weights_over_time(mixtures, run.names(population), columns)
        parts.append(tag("div", head + scrolling(drawn), class_="card"))
    note = (
        f"Solved by {escape(str(run.config.get('meta_solver')))} at the start of each iteration"
        + (", and on the table as it stands." if run.strategy is not None else ".")
        + " The stronger the colour, the more weight."
    )
    drawn = tag("div", "".join(parts), class_="side") if parts else ""
    return section("Meta-strategy over iterations", drawn + _support(run), note)


def _support(run: Run) -> str:
    """Inclusion in the support under resampling of a sampled table."""
    if run.solver is None or run.payoffs is None or run.table.total_episodes() == 0:
        return ""
    try:
        found = meta_strategy_uncertainty(
            run.table, run.solver, samples=RESAMPLES, rng=np.random.default_rng(0)
        )
    except ValueError:
        return ""
    body = []
    for population, shares in enumerate(found.inclusion):
        interval = found.weights[population]
        for i, name in enumerate(run.names(population)):
            whose = "" if run.populations == 1 else f"player {population}, "
            body.append(
                [
                    whose + name,
                    f"{found.estimate.marginals[population][i]:.3f}",
                    f"[{interval.low[i]:.3f}, {interval.high[i]:.3f}]",
                    f"{shares[i]:.2f}",
                    f"{found.alone[population][i]:.2f}",
                ]
            )
    head = ["strategy", "weight now", f"{CONFIDENCE:.0%} of tables", "in support", "alone"]
    note = (
        f"{found.samples} tables that might as well have been played ({found.method}) were solved. "
        "Pure noise gives an equilibrium a support of about half of the strategies, so that "
        "support alone is no evidence."
    )
    return tag("h3", "How sure is it?") + tag("p", note, class_="note") + rows(head, body)


def exploitability(run: Run) -> str:
    """Exploitability by kind, over the iterations."""
    known = [(s.iteration, s.exploitability) for s in run.steps if s.exploitability is not None]
    series, notes, names = [], [], []
    if known:
        series.append(
            Series("exact", [float(i) for i, _ in known], [float(e) for _, e in known], colour=0)
        )
        notes.append("<b>Exact</b>: what best responses gain, computed, not sampled.")
    else:
        bounds = lower_bounds(run, run.table.intervals(CONFIDENCE))
        games = "fresh games" if judged_bounds(run) else "the table's games"
        if bounds:
            series.append(
                Series(
                    "lower bound",
                    [float(i) for i, _ in bounds],
                    [b.value for _, b in bounds],
                    [b.low for _, b in bounds],
                    [b.high for _, b in bounds],
                    colour=1,
                )
            )
            notes.append(
                "<b>Lower bound</b>: what each new response gained over the meta-strategy that it "
                f"answered, on {games}, which training has not seen. A better "
                "response may gain more; how much was trained stands under Cost."
            )
    measured = run.measurements.exploitabilities if run.measurements is not None else ()
    for place, found in enumerate(measured):
        colour = {"exact": 0, "restricted": 2}.get(found.kind, 3)
        low = found.estimate if found.interval is None else float(found.interval.low)
        high = found.estimate if found.interval is None else float(found.interval.high)
        # Side by side, a little after the last iteration.
        now = [len(run.steps) + 0.25 * place]
        series.append(
            Series(f"{found.kind} (fresh games)" if found.games else found.kind,
                   now, [found.estimate], [low], [high], colour)
        )  # fmt: skip
    if any(found.kind == "restricted" for found in measured):
        notes.append(
            "<b>Restricted</b>: what the population's own strategies gain on fresh games. On the "
            "solver's own table it is zero by construction and says nothing."
        )
    if not series:
        return section(
            "Exploitability",
            tag("p", "Nothing is known yet: no iteration is finished, or the game gives no bound. "
                     "<code>pokespiel exploitability RUN</code> measures it on fresh games."),
        )  # fmt: skip
    values = [v for s in series for v in s.y]
    positive = [v for v in values if v > 1e-12]
    drawn = chart(
        series,
        label="Exploitability over iterations",
        x_label="iteration",
        y_label="NashConv / players",
        logarithmic=bool(positive) and max(positive) > 30 * min(positive),
    )
    for s in series:
        if (s.name, s.colour) not in names:
            names.append((s.name, s.colour))
    # The words last: on a phone the numbers are seen first.
    head = ["kind", "estimate", "interval", "games", "how"]
    table = ""
    if measured:
        body = [[f.kind, *_record(f)] for f in measured]
        table = tag("h3", "Of the meta-strategy now") + rows(head, body, right=1)
    if history := _history(run):
        left_out = len(history) - MOST_RECORDS
        title = "Of each iteration's meta-strategy" + (", the latest" if left_out > 0 else "")
        body = history[-MOST_RECORDS:]
        table += tag("h3", title) + rows(["iteration", *head], body, left=2, right=1)
    note = "NashConv divided by the number of players, in the game's return units. "
    return section(
        "Exploitability", legend(names) + drawn + table, note + " ".join(notes)
    )  # fmt: skip


def _history(run: Run) -> list[list[str]]:
    """What each iteration says of its meta-strategy, as lines of a table.

    Where the history itself holds nothing, the table's games do: see `lower_bounds`.
    """
    bounds = dict(lower_bounds(run, run.table.intervals(CONFIDENCE)))
    counts = run.table.counts()
    units = "win rate" if run.table.payoff_bounds == (0.0, 1.0) else "returns"
    found = []
    for step in run.steps:
        known = evidence.measured(step)
        found += [[str(step.iteration), f.kind, *_record(f)] for f in known]
        if known or step.iteration not in bounds:
            continue
        bound = bounds[step.iteration]
        training = sum(int(r["cost"].get("episodes", 0)) for r in step.responses)
        how = "the responses' games in the payoff table, which training has not seen"
        budget = f"; episodes {training:,}" if training else ""
        interval = f"[{bound.low:.3f}, {bound.high:.3f}]"
        games = 0.0
        for response in step.responses:
            player, index = int(response["player"]), int(response["index"])
            size = len(step.meta_strategy.marginals[1 - player])
            games += float((counts if player == 0 else counts.T)[index, :size].sum())
        played = f"{games:,.0f}" if np.isfinite(games) else "exact payoffs"
        cells = [number(bound.value), interval, played, f"{how}; {units}{budget}"]
        found.append([str(step.iteration), "lower bound", *cells])
    return found


def _record(found: Exploitability) -> list[str]:
    """Estimate, interval, games, and how it was measured, as cells of a table."""
    interval = "none: exact"
    if found.interval is not None:
        interval = f"[{float(found.interval.low):.3f}, {float(found.interval.high):.3f}]"
    return [number(found.estimate), interval, f"{found.games:,}", escape(_described(found))]


def _described(found: Exploitability) -> str:
    """How it was measured, in which units, with its budget."""
    spent = ", ".join(
        f"{key.replace('_', ' ')} {f'{value:,.0f}' if value >= 100 else f'{value:.3g}'}"
        for key, value in found.budget.items()
        if isinstance(value, int | float)
    )
    return "; ".join(filter(None, [found.method, found.units, spent, found.teams]))


def learning(run: Run) -> str:
    """Each response's training curve beside what it then did in the table."""
    curves = [
        (step, response)
        for step in run.steps
        for response in step.responses
        if "outcome_per_batch" in response["cost"]
    ]
    if not curves:
        return ""
    interval = run.table.intervals(CONFIDENCE)
    bounds = run.table.payoff_bounds
    cards = []
    for step, response in curves[-MOST_CURVES:]:
        outcomes = [float(v) for v in response["cost"]["outcome_per_batch"]]
        # Many short batches are averaged: at most forty points.
        share = math.ceil(len(outcomes) / 40)
        points = [float(np.mean(outcomes[i : i + share])) for i in range(0, len(outcomes), share)]
        batches = [1.0 + i * share for i in range(len(points))]
        player, index = int(response["player"]), response["index"]
        name = "not admitted" if index is None else strategy_name(int(index))
        whose = "" if run.populations == 1 else f"player {player}, "
        title = f"{whose}{name} (iteration {step.iteration})"
        middle = sum(bounds) / 2
        drawn = chart(
            [Series("training", batches, points, colour=3)],
            label=f"Learning curve of {title}", x_label="batch", y_label="mean outcome",
            y_range=bounds if _is_win_rate(run) else None,
            reference=middle if _is_win_rate(run) else None, height=170.0,
        )  # fmt: skip
        cards.append(
            tag("div", tag("h3", escape(title)) + drawn + _head_to_head(run, step.iteration, player,
                index, interval) + _rivals(response["cost"]), class_="card")
        )  # fmt: skip
    hidden = len(curves) - len(cards)
    note = (
        "Left to training, a curve shows progress against whatever it met, on games it learnt "
        "from. Below each curve stands what the finished response did on the table's games and, "
        "where it was judged, on fresh games against named rivals. "
        "The intervals of the pairings each hold on their own."
    )
    if hidden > 0:
        note += f" The first {hidden} responses are left out."
    return section("Learning curves beside head-to-heads", tag("div", "".join(cards),
                   class_="cards"), note)  # fmt: skip


def _head_to_head(
    run: Run, iteration: int, player: int, index: int | None, interval: Interval
) -> str:
    if index is None or run.payoffs is None or run.table.num_players != 2:
        return ""
    weights = run.steps[iteration].meta_strategy.marginals[1 - player]
    mixture = against_mixture(run, int(index), weights, interval, player)
    body = [["mixture answered", estimate(mixture), ""]]
    # In one population the pairings with earlier strategies; later ones were not there yet.
    opponents = range(len(weights))
    names = run.names(1 - player)
    ranked = sorted(opponents, key=lambda j: -float(weights[j]))[:6]
    for j in sorted(ranked):
        profile = (int(index), j) if player == 0 else (j, int(index))
        found = cell(run, player, profile, interval)
        count = run.table.count(profile)
        games = "exact" if math.isinf(count) else f"{count:.0f}"
        body.append([f"{names[j]} ({float(weights[j]):.2f})", estimate(found), games])
    return rows(["against (weight)", "result", "games"], body)


def _rivals(cost: Mapping[str, Any]) -> str:
    """What a judged response did against named rivals."""
    judged = cost.get(evidence.EVIDENCE)
    if judged is None or not judged["rivals"]:
        return ""
    games = f"{judged['mixture']['games']:,}"
    body = [
        [escape(name), estimate(Estimate(found["mean"], found["low"], found["high"])), games]
        for name, found in judged["rivals"].items()
    ]
    return rows(["on fresh games", "result", "games"], body)


def structure(run: Run) -> str:
    """Response graph, and the transitive and cyclic parts."""
    table = run.table
    if run.payoffs is None:
        return ""
    if table.num_players != 2:
        words = "Drawn for two players only."
        return section("Who beats whom", tag("p", words))
    if not table.symmetric:
        return _two_populations(run)
    names, interval = run.names(0), table.intervals(CONFIDENCE)
    weights = run.strategy.marginals[0] if run.strategy is not None else None
    most, chosen = 16, list(range(len(names)))
    if len(names) > most:
        order = np.argsort(-(weights if weights is not None else np.arange(len(names))))
        chosen = sorted(int(i) for i in order[:most])
    part = np.ix_(chosen, chosen)
    matrix = run.payoffs.matrix
    graph = figures.strategy_graph(
        matrix[part], interval.low[0][part], interval.high[0][part],
        [names[i] for i in chosen], None if weights is None else weights[chosen],
        float(run.payoffs.tensor.sum(axis=0).mean()) / 2,
    )  # fmt: skip
    few = len(chosen) <= figures.MOST_ALL_ARROWS
    note = (
        f"An arrow leads from each strategy to {'those that beat' if few else 'what most beats'} "
        "it; dashed where the interval does not exclude a tie. Filled strategies lie in a sink "
        "component (where better responses end up). Area grows with weight."
    )
    if len(chosen) < len(names):
        note += f" The {most} strategies of most weight are shown."
    return section("Response graph", graph, note) + _decomposition(run)


def _two_populations(run: Run) -> str:
    assert run.payoffs is not None
    names = run.names(0), run.names(1)
    weights = None
    if run.strategy is not None:
        weights = run.strategy.marginals[0], run.strategy.marginals[1]
    rows_, columns = run.payoffs.tensor
    graph = figures.best_reply_graph((rows_, columns), names, weights)
    note = (
        "An arrow leads from each strategy to the other player's best reply to it within the "
        "table. Filled strategies have weight in the meta-strategy now. A transitive and a cyclic "
        "part are defined for one population only (<code>--one-population</code>)."
    )
    return section("Best replies", graph, note)


def _decomposition(run: Run) -> str:
    assert run.payoffs is not None
    names = run.names(0)
    if len(names) < 3 or not is_constant_sum(run.payoffs):
        return ""
    parts, schur = hodge(run.payoffs), disks(run.payoffs)
    left = tag("h3", "Ratings") + figures.bars(list(map(float, parts.ratings)), names)
    left += tag("p", "Mean payoff over all opponents, above even.", class_="note")
    cyclic = ""
    if len(schur.strengths):
        share = float(schur.strengths[0] ** 2 / np.sum(schur.strengths**2))
        cyclic = tag("h3", "Strongest disk game") + figures.disk(schur.coordinates[0], names)
        cyclic += tag(
            "p",
            f"It holds {share:.0%} of the payoffs' squared size. A strategy beats those "
            "counterclockwise of it: spread around the centre is cyclic, along a line is "
            "transitive.",
            class_="note",
        )
    both = tag("div", tag("div", left, class_="card") + tag("div", cyclic, class_="card"),
               class_="cards")  # fmt: skip
    note = (
        f"<b>{parts.transitivity:.0%}</b> of the table's squared size is explained by one rating "
        "per strategy (transitive); the rest is cyclic (Hodge decomposition). Noise of sampled "
        "cells counts as cyclic."
    )
    return section("Transitive or cyclic?", both, note)


def costs(run: Run) -> str:
    """What each iteration took."""
    if not run.steps:
        return ""
    body, before = [], 0
    longest = max(step.seconds for step in run.steps) or 1.0
    for step in run.steps:
        training = sum(float(r["cost"].get("seconds", 0.0)) for r in step.responses)
        games = sum(int(r["cost"].get("episodes", 0)) for r in step.responses)
        decisions = sum(int(r["cost"].get("decisions", 0)) for r in step.responses)
        share = 100 * step.seconds / longest
        bar = f'<i class="bar b0" style="width:{share:.0f}px"></i>'
        admitted = sum(r["index"] is not None for r in step.responses)
        body.append(
            [
                str(step.iteration),
                f"{admitted} of {len(step.responses)}",
                f"{step.episodes - before:,}",
                f"{games:,}" if games else "none",
                f"{decisions:,}" if decisions else "none",
                duration(training),
                duration(step.seconds),
                bar,
            ]
        )
        before = step.episodes
    head = ["iteration", "admitted", "table games", "training games", "decisions",
            "best responses", "whole", ""]  # fmt: skip
    return section("Cost per iteration", rows(head, body))


def provenance(run: Run) -> str:
    """Commands, settings, versions and seeds."""
    parts = []
    if run.commands:
        listed = "".join(
            tag("li", tag("code", escape(c.command)) + f" <small>{escape(c.started)}</small>")
            for c in run.commands
        )
        parts.append(tag("h3", "Commands") + tag("ul", listed, class_="commands"))
        latest = run.commands[-1]
        body = [[escape(k), escape(v)] for k, v in latest.versions.items()]
        body.append(["machine", escape(latest.machine)])
        parts.append(tag("h3", "Versions") + rows(["what", "version"], body, left=2))
    else:
        parts.append(
            tag("p", "The command and the versions were not noted: the run was not made by "
                     "<code>pokespiel psro</code>.", class_="note")
        )  # fmt: skip
    body = [
        [escape(str(key)), tag("code", escape(value if isinstance(value, str) else
                                              json.dumps(value)))]
        for key, value in run.config.items()
    ]  # fmt: skip
    parts.append(tag("h3", "Settings and seed") + rows(["setting", "value"], body, left=2))
    return section("How it was made", "".join(parts))
