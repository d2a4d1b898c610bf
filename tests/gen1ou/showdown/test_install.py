"""Node and the pinned package are found, or it is said what to do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pokespiel.gen1ou.showdown import install
from pokespiel.gen1ou.showdown.install import (
    INSTALL_COMMAND,
    ShowdownError,
    find_node,
    install_showdown,
    showdown_directory,
    showdown_version,
)

DATA = Path(install.__file__).parent / "npm"


def fake_node(folder, version):
    folder.mkdir()
    node = folder / "node"
    node.write_text(f"#!/bin/sh\necho {version}\n")
    node.chmod(0o755)
    return node


class TestFindNode:
    def test_the_systems_node_comes_first(self, tmp_path, monkeypatch):
        node = fake_node(tmp_path / "bin", "v20.0.0")
        monkeypatch.setenv("PATH", str(node.parent))
        assert find_node() == node

    def test_an_old_node_is_passed_over_for_the_wheels(self, tmp_path, monkeypatch):
        node = fake_node(tmp_path / "bin", "v18.19.0")
        wheel = tmp_path / "wheel"
        (wheel / "bin").mkdir(parents=True)
        (wheel / "bin" / "node").touch()
        monkeypatch.setenv("PATH", str(node.parent))
        monkeypatch.setattr(install, "_wheel_directory", lambda: wheel)
        assert find_node() == wheel / "bin" / "node"

    @pytest.mark.parametrize(
        ("version", "found"),
        [
            ("v18.19.0", "is version 18.19.0"),
            ("rubbish", "is version unknown"),
            (None, "no `node`"),
        ],
    )
    def test_without_any_it_says_what_to_install(self, tmp_path, monkeypatch, version, found):
        if version:
            fake_node(tmp_path / "bin", version)
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        monkeypatch.setattr(install, "_wheel_directory", lambda: None)
        with pytest.raises(
            ShowdownError, match=rf"no Node\.js 20 or newer: .*{found}.*pip install"
        ):
            find_node()


class TestInstallation:
    def test_the_cache_is_where_the_environment_says(self, tmp_path, monkeypatch):
        monkeypatch.setenv("POKESPIEL_CACHE", str(tmp_path))
        with pytest.raises(ShowdownError) as error:
            showdown_directory()
        assert str(tmp_path / "showdown" / showdown_version()) in str(error.value)
        assert f"run `{INSTALL_COMMAND}`" in str(error.value)

    def test_a_failing_npm_is_quoted_and_leaves_nothing(self, tmp_path, monkeypatch):
        monkeypatch.setenv("POKESPIEL_CACHE", str(tmp_path / "cache"))
        npm = tmp_path / "npm"
        npm.write_text("#!/bin/sh\necho 'npm error: no such registry' >&2\nexit 7\n")
        npm.chmod(0o755)
        monkeypatch.setattr(install, "find_node", lambda: tmp_path / "node")
        monkeypatch.setattr(install, "_find_npm", lambda node: [str(npm)])
        with pytest.raises(ShowdownError, match=r"exit status 7\):\nnpm error: no such registry"):
            install_showdown()
        assert list((tmp_path / "cache" / "showdown").iterdir()) == []

    def test_the_command_ends_with_one_line_and_status_1(self, tmp_path):
        outcome = subprocess.run(
            [sys.executable, "-c", "import sys\n"
             "from pokespiel.gen1ou.showdown import install\n"
             "install._wheel_directory = lambda: None\n"
             "sys.exit(install.main())"],
            env={**os.environ, "PATH": str(tmp_path), "POKESPIEL_CACHE": str(tmp_path)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert outcome.returncode == 1
        assert outcome.stderr.startswith("error: no Node.js 20 or newer")
        assert outcome.stderr.count("\n") == 1

    @pytest.mark.showdown
    def test_installing_again_does_nothing(self, monkeypatch):
        monkeypatch.setattr(install, "_find_npm", lambda node: pytest.fail("npm was needed"))
        assert install_showdown() == showdown_directory()


class TestLockfile:
    def test_it_pins_the_version_and_every_hash(self):
        lock = json.loads((DATA / "package-lock.json").read_text())
        packages = {name: entry for name, entry in lock["packages"].items() if name}
        assert packages["node_modules/pokemon-showdown"]["version"] == showdown_version()
        assert all("integrity" in entry for entry in packages.values())

    def test_it_names_no_host(self):
        """Any registry will do: the hashes say whether it serves the right files."""
        lock = json.loads((DATA / "package-lock.json").read_text())
        assert not any("resolved" in entry for entry in lock["packages"].values())

    def test_the_packages_own_dependencies_are_the_locked_ones(self):
        package = json.loads((DATA / "package.json").read_text())
        lock = json.loads((DATA / "package-lock.json").read_text())
        assert lock["packages"][""]["dependencies"] == package["dependencies"]
