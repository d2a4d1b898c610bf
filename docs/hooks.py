"""What mkdocs does for this site besides: notebooks become pages, new pages get into the menu."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files


def on_files(files: Files, config: Any) -> Files:
    """Turn notebooks into pages, and list what ``mkdocs.yml`` does not under Notebooks, Reference.

    A notebook's page shows its text and code; the file itself lies beside it, to be downloaded.
    """
    for notebook in sorted(Path(config.docs_dir).glob("notebooks/*.ipynb")):
        page = f"notebooks/{notebook.stem}.md"
        files.append(File.generated(config, page, content=as_markdown(notebook)))
    known = re.findall(r"[\w/-]+\.md", json.dumps(config.nav))
    for file in files.documentation_pages():
        if file.src_uri not in known:
            section = "Notebooks" if file.src_uri.startswith("notebooks/") else "Reference"
            _section(config.nav, section).append(file.src_uri)
    return files


def as_markdown(notebook: Path) -> str:
    """The cells as one page."""
    parts = []
    for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            source = f"```python\n{source}\n```"
        # Folded solutions are Markdown inside of HTML.
        parts.append(source.replace("<details>", '<details markdown="1">'))
    head, *rest = parts
    note = f"[Download this notebook]({notebook.name}) to run it; here it has no output."
    return "\n\n".join([head, note, *rest]) + "\n"


def _section(nav: list[Any], title: str) -> list[Any]:
    found: list[Any] = next(entry[title] for entry in nav if title in entry)
    return found
