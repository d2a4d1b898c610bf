"""Fetch a published agent, as ``pokespiel metamon download SyntheticRLV2`` does.

Files are resumed where a download broke off, checked, and only then given their name. The
vocabulary's checksum is part of this package. That of the weights is what the hub announces for
the file (the sha256 of its large-file storage), and is kept beside them.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from pokespiel.files import write_atomically
from pokespiel.metamon.assets import (
    DOWNLOAD_COMMAND,
    HUB_REPOSITORY,
    VOCABULARY,
    VOCABULARY_SHA256,
    VOCABULARY_URL,
    AssetError,
    agent,
    asset_directory,
    load_vocabulary,
)
from pokespiel.metamon.checkpoint import infer_config, read_state_dict

HUB = "https://huggingface.co"
TIMEOUT = 60.0
_BLOCK = 1 << 20
_ATTEMPTS = 5

Progress: TypeAlias = Callable[[int, int], None]
"""Called with (bytes there, bytes in all)."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What a server says of a file before it is fetched; empty or 0 where it says nothing."""

    sha256: str
    size: int
    commit: str


def download(
    name: str,
    *,
    epoch: int | None = None,
    source: Path | None = None,
    hub: str = HUB,
    vocabulary_url: str = VOCABULARY_URL,
    progress: Progress | None = None,
) -> Path:
    """Bring an agent's weights and the vocabulary into the asset folder, unless they are there.

    Parameters
    ----------
    name
        Of `pokespiel.metamon.assets.AGENTS`.
    epoch
        Of the checkpoint; default: the one metamon plays.
    source
        A local folder to copy from instead: a clone of the hub's repository, a cache of
        ``huggingface_hub``, or a folder that holds the files themselves.
    hub, vocabulary_url
        Where to fetch from.
    progress

    Returns
    -------
    Path
        The checkpoint.

    Raises
    ------
    ValueError
        If there is no such agent.
    AssetError
        If a file cannot be had, or is not what it should be.
    """
    published = agent(name)
    folder = asset_directory()
    target, vocabulary = folder / published.file(epoch), folder / VOCABULARY
    if source is not None:
        _copy(source, published.file(epoch), target)
        _copy(source, VOCABULARY, vocabulary, also="allreplaysv3.json")
    else:
        file = published.file(epoch).replace("+", "%2B")
        url = f"{hub}/{HUB_REPOSITORY}/resolve/main/{file}"
        wanted = {vocabulary: vocabulary_url, target: url}
        with _explained({path: url for path, url in wanted.items() if not path.is_file()}):
            if not vocabulary.is_file():
                fetch(vocabulary_url, vocabulary, sha256=VOCABULARY_SHA256)
            if not target.is_file():
                _fetch_weights(url, target, progress)
    _check(target)
    load_vocabulary(vocabulary)
    return target


def announcement(url: str) -> Announced:
    """Ask the hub for checksum, size and commit of a file."""
    request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "pokespiel"})
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        response = opener.open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        # The hub answers large files with a redirect, whose headers describe the file.
        if not 300 <= error.code < 400:
            raise
        headers = error.headers
    else:
        with response:
            headers = response.headers
    checksum = headers.get("X-Linked-Etag", "").strip('"')
    return Announced(
        sha256=checksum if len(checksum) == 64 else "",
        size=int(headers.get("X-Linked-Size") or 0),
        commit=headers.get("X-Repo-Commit", ""),
    )


def fetch(
    url: str,
    target: Path,
    *,
    sha256: str = "",
    size: int = 0,
    progress: Progress | None = None,
) -> None:
    """Fetch a file, going on where an earlier attempt ended.

    Parameters
    ----------
    url, target
    sha256, size
        What the file must be; unknown if empty or 0.
    progress

    Raises
    ------
    urllib.error.URLError, OSError
        If the server cannot be reached or breaks off again and again.
    AssetError
        If the file is not what it must be; nothing is kept.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # Named after its content, so that a part is never continued with another version.
    part = target.with_name(f".{target.name}.{sha256[:12] or 'unknown'}.part")
    if not sha256:
        part.unlink(missing_ok=True)
    for attempt in range(_ATTEMPTS):
        try:
            total = _continue(url, part, progress)
        except (OSError, http.client.HTTPException):
            # Trying again helps only where the connection had been there.
            if attempt == _ATTEMPTS - 1 or not part.exists():
                raise
            continue
        if part.stat().st_size >= (size or total):
            break
    else:
        raise ConnectionError(
            f"the connection broke {_ATTEMPTS} times; the first {part.stat().st_size:,} bytes are "
            "kept, and the next attempt goes on from there"
        )
    found, there = _sha256(part), part.stat().st_size
    if (size and there != size) or (sha256 and found != sha256):
        part.unlink()
        raise AssetError(
            f"{url} gave {there:,} bytes with sha256 {found}, not the expected "
            f"{f'{size:,} bytes with ' if size else ''}sha256 {sha256 or 'unknown'}; "
            "nothing was kept"
        )
    part.replace(target)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def _continue(url: str, part: Path, progress: Progress | None) -> int:
    """Append what is missing of a file; returns its full size, 0 if the server does not say."""
    there = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "pokespiel"}
    if there:
        headers["Range"] = f"bytes={there}-"
    try:
        response = urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=TIMEOUT
        )
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return there
        raise
    with response, part.open("ab") as file:
        if there and response.status != http.HTTPStatus.PARTIAL_CONTENT:
            file.truncate(0)
            there = 0
        total = there + int(response.headers.get("Content-Length") or 0)
        while block := response.read(_BLOCK):
            file.write(block)
            there += len(block)
            if progress is not None:
                progress(there, total)
    return total


@contextmanager
def _explained(missing: dict[Path, str]) -> Iterator[None]:
    """Let failures of the network say what to do without one; from target to address."""
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        address = getattr(error, "url", None) or "metamon's files"
        files = "\n".join(f"  {url}\n  at {path}" for path, url in missing.items())
        raise AssetError(
            f"cannot fetch {address}: {getattr(error, 'reason', None) or error}.\n"
            f"Without a network, fetch elsewhere and put\n{files}\n"
            f"or run `{DOWNLOAD_COMMAND} NAME --from FOLDER` with a folder that holds these files."
        ) from None


def _fetch_weights(url: str, target: Path, progress: Progress | None) -> None:
    """Fetch a checkpoint at the commit and with the checksum that the hub announces."""
    announced = announcement(url)
    fetch(
        url.replace("/resolve/main/", f"/resolve/{announced.commit or 'main'}/"),
        target,
        sha256=announced.sha256,
        size=announced.size,
        progress=progress,
    )
    document = {"url": url, "commit": announced.commit, "sha256": announced.sha256}
    with write_atomically(target.with_suffix(".json")) as file:
        file.write(json.dumps(document, indent=2).encode())


def _copy(source: Path, file: str, target: Path, *, also: str = "") -> None:
    """Copy a file out of a folder, wherever in it the usual tools would have put it."""
    if target.is_file():
        return
    candidates = [source / file, source / Path(file).name]
    if also:
        candidates += [source / also, source / "metamon" / "tokenizer" / also]
    candidates += sorted(source.glob(f"models--*--metamon/snapshots/*/{file}"))
    candidates += sorted(source.glob(f"snapshots/*/{file}"))
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        tried = "\n".join(f"  {path}" for path in candidates[:2])
        raise AssetError(f"{source} holds no {Path(file).name}; it was looked for at\n{tried}")
    with write_atomically(target) as copy, found.open("rb") as original:
        shutil.copyfileobj(original, copy, _BLOCK)


def _check(path: Path) -> None:
    """Raise unless the file is a checkpoint of the family."""
    try:
        infer_config(read_state_dict(path))
    except ValueError as error:
        raise AssetError(f"{error}; remove {path} and download it again") from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
