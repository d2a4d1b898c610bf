"""The page around the sections: style, the script of the tips, and the file."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from pathlib import Path

from pokespiel.files import write_atomically
from pokespiel.report import sections
from pokespiel.report.run import Run, read_run
from pokespiel.report.svg import tag


def write_report(run: str | Path, path: str | Path | None = None) -> Path:
    """Draw a run as one HTML file that needs no network.

    Parameters
    ----------
    run
        The run's directory. It is only read, and may still be in use.
    path
        Where to write; default: ``report.html`` in the run's directory.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    RunError
        If the directory holds no run, or a damaged one.
    """
    found = read_run(run)
    target = Path(path) if path is not None else found.path / "report.html"
    with write_atomically(target) as file:
        file.write(page(found).encode("utf-8"))
    return target


def page(run: Run) -> str:
    """The document."""
    game = str(run.config.get("game", "run"))
    title, _, settings = game.partition("(")
    drawn = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    header = tag(
        "header",
        tag("h1", escape(title))
        + (tag("p", tag("code", escape(game)), class_="note") if settings.strip(")") else "")
        + tag("p", f"{escape(str(run.path))}, drawn {drawn}", class_="note")
        + sections.facts(run),
    )
    parts = [
        sections.payoffs,
        sections.meta_strategies,
        sections.exploitability,
        sections.learning,
        sections.structure,
        sections.costs,
        sections.provenance,
    ]
    body = header + "".join(part(run) for part in parts)
    tip = '<div id="tip" role="status" aria-live="polite"></div>'
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        '<meta name="color-scheme" content="light dark"/>'
        f"<title>{escape(title)}</title><style>{_asset('style.css')}</style></head>"
        f"<body><main>{body}</main>{tip}<script>{_asset('tips.js')}</script></body></html>\n"
    )


def _asset(name: str) -> str:
    return files("pokespiel.report").joinpath(name).read_text("utf-8")
