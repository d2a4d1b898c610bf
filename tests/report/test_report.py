"""The report: one file, well-formed, without a network, and right in a browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from pokespiel import PSRO, Response
from pokespiel.exploitability.exact import exploitability
from pokespiel.openspiel import MatrixGame, OpenSpielGame
from pokespiel.oracles.exact import ExactOracle
from pokespiel.report import write_report
from pokespiel.report.records import (
    Measurements,
    read_commands,
    read_measurements,
    record_command,
    record_measurements,
)
from pokespiel.report.run import lower_bounds, read_run
from pokespiel.report.svg import nice_ticks, number
from pokespiel.runs.directory import RunError
from pokespiel.variants.evidence import JudgedOracle, measured
from solvers.decomposition import disks

BIASED = [[0.5, 0.2, 0.9], [0.8, 0.5, 0.3], [0.1, 0.7, 0.5]]
VOID = {"meta", "br", "hr", "img", "input", "link"}


class WinsAndLosses(MatrixGame):
    """A matrix of win rates, played by the toss of a coin."""

    is_exact = False

    def __init__(self):
        super().__init__(BIASED)
        self.payoff_bounds = (0.0, 1.0)

    def play(self, profiles, episodes, *, rng):
        rates = self.expected_returns(profiles)[:, :1]
        wins = (rng.random((len(profiles), episodes)) < rates).astype(float)
        return np.stack([wins, 1.0 - wins], axis=2)


class Trained:
    """Answers exactly, and reports it as a trained response would be reported."""

    name = "trained"

    def best_response(self, game, player, opponents, *, rng):
        policy, _ = MatrixGame(BIASED).best_response(player, opponents)
        cost = {"episodes": 40, "decisions": 400, "seconds": 0.5, "outcome_per_batch": [0.4, 0.8]}
        return Response(policy, cost=cost)


@pytest.fixture
def sampled(tmp_path):
    """A run of four strategies on sampled win rates."""
    game = WinsAndLosses()
    loop = PSRO(game, oracle=Trained(), episodes_per_cell=50, directory=tmp_path / "sampled")
    loop.run(3)
    loop.close()
    return tmp_path / "sampled"


@pytest.fixture
def kuhn(tmp_path):
    """An exact run of two populations."""
    loop = PSRO(OpenSpielGame("kuhn_poker"), oracle=ExactOracle(), directory=tmp_path / "kuhn")
    loop.run(4)
    loop.close()
    return tmp_path / "kuhn"


@pytest.fixture
def rock_paper_scissors(tmp_path):
    """An exact run of one population."""
    game = MatrixGame([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    loop = PSRO(game, oracle=ExactOracle(), directory=tmp_path / "rps")
    loop.run(10)
    loop.close()
    return tmp_path / "rps"


class Balanced(HTMLParser):
    """Raises unless every element is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def headings(document: str) -> list[str]:
    parser = Balanced()
    parser.feed(document)
    parser.close()
    assert parser.open == []
    return parser.headings


@pytest.mark.parametrize("run", ["sampled", "kuhn", "rock_paper_scissors"])
def test_is_well_formed_and_names_nothing_outside(run, request):
    document = write_report(request.getfixturevalue(run)).read_text("utf-8")
    headings(document)
    assert not re.search(r"(https?:)?//[a-z]", document.replace("// What is pointed", ""))
    assert not re.search(r"<(link|img|iframe)|@import|url\(|src=", document)
    assert "NaN" not in document
    assert 'nan"' not in document


def test_sections_of_a_sampled_run(sampled):
    found = headings(write_report(sampled).read_text("utf-8"))
    assert found == [
        "Payoffs",
        "Meta-strategy over iterations",
        "Exploitability",
        "Learning curves beside head-to-heads",
        "Response graph",
        "Transitive or cyclic?",
        "Cost per iteration",
        "How it was made",
    ]


def test_every_cell_says_its_interval_and_games(sampled):
    document = write_report(sampled).read_text("utf-8")
    run = read_run(sampled)
    interval = run.table.intervals(0.95)
    mean = float(run.payoffs.tensor[0, 1, 0])
    low, high = float(interval.low[0, 1, 0]), float(interval.high[0, 1, 0])
    assert f"BR1 against start: {mean:.3f} [{low:.3f}, {high:.3f}], 50 games" in document


def test_lower_bound_is_the_gain_on_the_tables_games(sampled):
    run = read_run(sampled)
    bounds = lower_bounds(run, run.table.intervals(0.95))
    assert [iteration for iteration, _ in bounds] == [0, 1, 2]
    rate = float(run.payoffs.tensor[0, 1, 0])
    assert bounds[0][1].value == pytest.approx(max(rate - 0.5, 0.0))
    assert all(0.0 <= b.low <= b.value <= b.high for _, b in bounds)


def test_a_judged_run_shows_one_bound_everywhere(tmp_path):
    """The headline, the curve and the table: that of the fresh games."""
    loop = PSRO(
        WinsAndLosses(),
        oracle=JudgedOracle(Trained(), games=60, rivals={"rock": 0}),
        episodes_per_cell=50,
        directory=tmp_path,
    )
    loop.run(2)
    loop.close()
    run = read_run(tmp_path)
    bounds = lower_bounds(run, run.table.intervals(0.95))
    judged = [measured(step)[0] for step in run.steps]
    assert [bound.value for _, bound in bounds] == [found.estimate for found in judged]
    document = write_report(tmp_path).read_text("utf-8")
    assert document.count(">on fresh games</th>") == 2
    rate = run.steps[0].responses[0]["cost"]["evidence"]["rivals"]["rock"]
    assert f'rock</td><td class="num">{number(rate["mean"])} [' in document
    last = bounds[-1][1]
    assert f"lower bound [{number(last.low)}, {number(last.high)}], iteration 1" in document
    assert "answered, on fresh games, which training has not seen" in document


def test_lower_bound_of_an_exact_run_is_its_exploitability(kuhn):
    run = read_run(kuhn)
    for iteration, bound in lower_bounds(run, run.table.intervals(0.95)):
        assert bound.value == pytest.approx(run.steps[iteration].exploitability)


def test_two_populations_get_best_replies(kuhn):
    document = write_report(kuhn).read_text("utf-8")
    assert "Best replies" in headings(document)
    assert "best reply of player 1 to start" in document


def test_disk_is_described_the_right_way_round():
    """The page says that a strategy beats those counterclockwise of it."""
    matrix = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], dtype=float)
    x, y = disks(matrix).coordinates[0].T
    counterclockwise = np.outer(x, y) - np.outer(y, x) > 0
    assert np.array_equal(counterclockwise, matrix > 0)


def test_commands_versions_and_measurements_are_shown(kuhn):
    record_command(kuhn, "pokespiel psro kuhn_poker")
    game = OpenSpielGame("kuhn_poker")
    loop = PSRO(game, oracle=ExactOracle(), directory=kuhn, resume=True)
    found = exploitability(game, loop.result().mixtures())
    loop.close()
    record_measurements(kuhn, Measurements(loop.table.sizes, (found,)))
    assert read_measurements(kuhn).exploitabilities == (found,)
    assert read_commands(kuhn)[0].versions["numpy"] == np.__version__
    document = write_report(kuhn).read_text("utf-8")
    assert "pokespiel psro kuhn_poker" in document
    assert "Of the meta-strategy now" in document


def test_each_iteration_says_how_its_exploitability_was_found(kuhn, sampled, tmp_path):
    exact = write_report(kuhn).read_text("utf-8")
    assert "Of each iteration's meta-strategy" in exact
    assert exact.count("exact best responses to the meta-strategy; returns; seconds") == 4
    table = write_report(sampled).read_text("utf-8")
    assert table.count("the responses' games in the payoff table") == 3
    game = WinsAndLosses()
    oracle = JudgedOracle(Trained(), games=20)
    loop = PSRO(game, oracle=oracle, episodes_per_cell=20, directory=tmp_path / "judged")
    loop.run(2)
    loop.close()
    judged = write_report(tmp_path / "judged").read_text("utf-8")
    assert judged.count("fresh episodes of a trained response against the mixtures; win rate") == 2
    assert "the responses' games in the payoff table" not in judged


def test_measurements_of_smaller_populations_are_not_shown(kuhn):
    record_measurements(kuhn, Measurements((1, 1), ()))
    assert read_run(kuhn).measurements is None


def test_unfinished_tables_are_drawn(sampled):
    run = read_run(sampled)
    run.table.add_strategy(0)
    run.table.save(sampled / "empirical_game.npz")
    document = write_report(sampled).read_text("utf-8")
    assert "not played yet" in document
    headings(document)


def test_a_directory_without_a_run_is_refused(tmp_path):
    with pytest.raises(RunError, match="holds no run"):
        write_report(tmp_path)


def test_a_damaged_run_is_refused(kuhn):
    (kuhn / "history.jsonl").write_text("{")
    with pytest.raises(RunError, match="is damaged"):
        write_report(kuhn)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]), (0, 7, [0, 2, 4, 6]), (2.0, 2.0, [2.0])],
)
def test_ticks_are_round(low, high, ticks):
    assert nice_ticks(low, high) == ticks


def browser() -> str:
    names = "chromium", "chromium-browser", "google-chrome"
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip("no chromium on PATH; Debian's package is called chromium")
    return found


def in_browser(page: Path, tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Open a page in headless Chromium, alone and without a network."""
    return subprocess.run(
        [
            browser(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--enable-logging=stderr", "--hide-scrollbars",
            f"--user-data-dir={tmp_path / 'profile'}", *options, page.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip


THEMES = {"dark": 0, "light": 1}
"""As Chromium's ``preferredColorScheme`` counts them."""


@pytest.mark.parametrize(("run", "theme"), [("sampled", "light"), ("sampled", "dark"),
                                            ("kuhn", "light")])  # fmt: skip
def test_renders_in_a_browser_without_a_word_on_the_console(run, theme, request, tmp_path):
    from matplotlib.image import imread

    page = write_report(request.getfixturevalue(run))
    picture = tmp_path / "page.png"
    done = in_browser(
        page, tmp_path, "--window-size=1000,900", f"--screenshot={picture}",
        f"--blink-settings=preferredColorScheme={THEMES[theme]}",
    )  # fmt: skip
    assert "CONSOLE" not in done.stderr
    seen = imread(picture)[..., :3]
    assert seen.std() > 0.02, "the page is blank"
    assert (np.median(seen) > 0.5) == (theme == "light")


def test_a_word_on_the_console_would_be_noticed(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<script>nonsense()</script>")
    assert "CONSOLE" in in_browser(page, tmp_path, f"--screenshot={tmp_path / 'page.png'}").stderr


def test_fits_a_phone(sampled, tmp_path):
    """Only what lies in a sideways-scrolling box is wider than 390 px."""
    page = write_report(sampled)
    frame = tmp_path / "frame.html"
    frame.write_text(
        f"<iframe id=f src='{page.as_uri()}' style='border:0;width:390px;height:800px'></iframe>"
        "<script>f.onload=()=>{document.title=f.contentDocument.documentElement.scrollWidth}"
        "</script>"
    )
    options = "--allow-file-access-from-files", "--dump-dom", "--virtual-time-budget=3000"
    dom = in_browser(frame, tmp_path, *options).stdout
    width = re.search(r"<title>(\d+)</title>", dom)
    assert width is not None
    assert int(width[1]) <= 390
