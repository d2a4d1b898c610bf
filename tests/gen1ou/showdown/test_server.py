"""Starting, stopping and failing to start a server."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from pokespiel.gen1ou.showdown import ShowdownError, ShowdownServer, install
from pokespiel.gen1ou.showdown import server as server_module
from pokespiel.gen1ou.showdown.install import showdown_directory

pytestmark = pytest.mark.showdown


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] != "Z"


def test_servers_run_side_by_side_on_ports_of_their_own(server):
    with ShowdownServer() as other:
        assert other.port != server.port
        for each in (server, other):
            assert each.is_healthy()
            address = f"http://127.0.0.1:{each.port}/showdown/info"
            with urllib.request.urlopen(address) as answer:
                assert answer.status == 200
    assert server.is_healthy()


def test_it_listens_on_loopback_only(server):
    """127.0.0.2 is this machine as well, and would answer if the server were bound to all."""
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(("127.0.0.2", server.port))


def test_the_block_ends_the_process_and_keeps_the_logs(tmp_path):
    with ShowdownServer(log_directory=tmp_path / "logs") as server:
        pid = server.pid
        assert is_running(pid)
    assert not is_running(pid)
    assert "now listening on 127.0.0.1" in (tmp_path / "logs" / "server.log").read_text()
    with pytest.raises(ShowdownError, match="not running"):
        _ = server.pid


def test_it_dies_with_the_process_that_started_it():
    program = (
        "import os, signal\n"
        "from pokespiel.gen1ou.showdown import ShowdownServer\n"
        "server = ShowdownServer()\n"
        "server.start()\n"
        "print(server.pid, server.log_directory.parent, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    outcome = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert outcome.returncode == -signal.SIGKILL
    pid, folder = outcome.stdout.decode().split()
    pid = int(pid)
    deadline = time.monotonic() + 10
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_running(pid)
    assert not Path(folder).exists()
    assert showdown_directory().is_dir()


def test_it_takes_the_port_it_is_given():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with ShowdownServer(port=port) as server:
        assert server.port == port
        assert server.websocket_url == f"ws://127.0.0.1:{port}/showdown/websocket"


def test_a_killed_server_can_be_restarted():
    with ShowdownServer() as server:
        os.kill(server.pid, signal.SIGKILL)
        while server.is_alive():
            time.sleep(0.01)
        assert not server.is_healthy()
        assert server.exit_status == -signal.SIGKILL
        server.restart()
        assert server.is_healthy()
        assert server.starts == 2


class TestErrors:
    def test_a_port_in_use(self, server):
        with pytest.raises(ShowdownError, match=f"port {server.port} is in use"):
            ShowdownServer(port=server.port).start()
        assert server.is_healthy()

    @pytest.mark.parametrize("port", [-1, 0, 65536])
    def test_a_port_that_is_none(self, port):
        with pytest.raises(ValueError, match="port must be between 1 and 65535"):
            ShowdownServer(port=port)

    def test_started_twice(self, server):
        with pytest.raises(ShowdownError, match="started already"):
            server.start()

    def test_not_installed(self, tmp_path, monkeypatch):
        monkeypatch.setenv("POKESPIEL_CACHE", str(tmp_path))
        with pytest.raises(ShowdownError, match=r"not installed .* run `python -m"):
            ShowdownServer().start()

    def test_no_node(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(install, "_wheel_directory", lambda: None)
        with pytest.raises(ShowdownError, match=r"no Node\.js 20 or newer"):
            ShowdownServer().start()

    def test_died_at_start(self, tmp_path, monkeypatch):
        broken = tmp_path / "node"
        broken.write_text("#!/bin/sh\necho out of memory\nexit 3\n")
        broken.chmod(0o755)
        monkeypatch.setattr(server_module, "find_node", lambda: broken)
        with pytest.raises(ShowdownError, match=r"exit status 3\).*\n?out of memory"):
            ShowdownServer().start()

    def test_no_answer(self, tmp_path, monkeypatch):
        idle = tmp_path / "node"
        idle.write_text("#!/bin/sh\nexec sleep 60\n")
        idle.chmod(0o755)
        monkeypatch.setattr(server_module, "find_node", lambda: idle)
        with pytest.raises(ShowdownError, match=r"did not answer within 0\.3 s"):
            ShowdownServer(start_timeout=0.3).start()
