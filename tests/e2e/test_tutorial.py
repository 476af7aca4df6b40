"""The tutorial as it stands on its page, from an empty folder to a page, on each Django, by uv and by pip."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import pytest
from board import REPOSITORY, environment
from site_client import SiteClient
from tutorial import Block, blocks
from uv import find_uv_bin

from pocket import work_folder

# Beside other work on two cores the whole way, installations included, may take minutes.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

CLONE = "../django-pocket"
SHOWN = {"toml": "pocket.toml", "python": "config/settings.py"}
"""The files that blocks without a title show a part of, by language."""
PASSWORD = "correct horse battery"
OLDEST = "5.2" if sys.version_info < (3, 12) else "6."


@dataclass
class Reader:
    """Someone who types what the page says, with one interpreter and one installer."""

    folder: Path
    wheel: Path
    python: str
    way: str

    @property
    def environ(self) -> dict[str, str]:
        binaries = [self.folder / ".venv" / "bin", self.folder.parent / "bin", Path(find_uv_bin()).parent]
        own = {
            "PATH": ":".join([*map(str, binaries), os.environ["PATH"]]),
            "UV_PYTHON_DOWNLOADS": "never",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            # Of uv's own environment; it would install into this very interpreter where pip is meant.
            **({"UV_PYTHON": self.python} if self.way == "uv" else {}),
        }
        return {**{name: value for name, value in environment().items() if name != "VIRTUAL_ENV"}, **own}

    def meant(self, block: Block) -> bool:
        """Whether the block is of this reader's installer."""
        of_uv, of_pip = "uv init" in block.text, block.title == "requirements.txt" or "pip install" in block.text
        return not (of_pip if self.way == "uv" else of_uv)

    def write(self, block: Block) -> None:
        file = self.folder / block.title
        text = block.text.replace(CLONE, str(self.wheel))
        if block.is_appended:
            text = file.read_text() + "\n" + text
        file.write_text(text)

    def type(self, *commands: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """The commands, one after another in one shell."""
        # What pip would install in half a minute.
        script = "\n".join(commands).replace("python -m pip install", "uv pip install").replace(CLONE, str(self.wheel))
        # A reader confirms at the terminal.
        script = script.replace("pocket init", "pocket init --yes")
        done = subprocess.run(
            ["bash", "-euc", script],
            cwd=self.folder,
            env=self.environ,
            text=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == status, f"{script}\n{done.stdout}\n{done.stderr}"
        return done

    @contextmanager
    def running(self, command: str) -> Iterator[SiteClient]:
        """A site for as long as `command`, which prints its address, runs; Ctrl-C ends it."""
        log = self.folder.parent / "local.log"
        with log.open("w") as file:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=self.folder,
                env=self.environ,
                text=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=file,
            )
        with process:
            assert process.stdout is not None
            try:
                address = process.stdout.readline().strip()
                assert address, log.read_text()
                yield SiteClient(address)
            finally:
                process.send_signal(signal.SIGINT)
        assert process.returncode == 0


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pocket as it is here, built."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([find_uv_bin(), "build", "--quiet", "--wheel", "--out-dir", folder, REPOSITORY], check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(params=["pip, this Python", "uv, the next Python"])
def reader(request: pytest.FixtureRequest, tmp_path: Path, wheel: Path) -> Reader:
    way = request.param.partition(",")[0]
    python = sys.executable if way == "pip" else os.environ.get("NEXT_PYTHON")
    if not python:
        pytest.skip("NEXT_PYTHON, which make finds, is not set")
    python = str(Path(python).resolve())
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(python)
    (tmp_path / "acme").mkdir()
    return Reader(tmp_path / "acme", wheel, python, way)


def test_the_tutorial_works_as_written(reader: Reader) -> None:
    shown = [block for block in blocks() if reader.meant(block)]
    sound, misspelled = (block for block in shown if block.answer)
    (local,) = (block for block in shown if block.commands == ["pocket local"])
    there = shown.index(local)
    for block in shown[:there]:
        if block.title:
            reader.write(block)
        elif block.language in SHOWN:
            assert block.text in (reader.folder / SHOWN[block.language]).read_text()
        elif block == misspelled:
            file = reader.folder / "pocket.toml"
            right = file.read_text()
            file.write_text(right.replace("command = ", "comand = ", 1))
            assert reader.type(*block.commands, status=1).stderr == block.answer
            file.write_text(right)
        else:
            done = reader.type(*block.commands)
            assert block != sound or done.stdout + done.stderr == block.answer
    django = reader.type("python manage.py check", "python manage.py migrate", "python manage.py --version").stdout
    assert django.splitlines()[-1].startswith(OLDEST if reader.way == "pip" else "6.")
    with reader.running(*local.commands) as site:
        assert "It runs on Lambda." in site.get("/").text
        make_user, others = shown[there + 1], shown[there + 2]
        reader.type(*make_user.commands)
        page = site.submit("/admin/login/?next=/admin/", {"username": "you", "password": PASSWORD})
        assert "Site administration" in page.text
        sheet = site.get(urljoin(page.url, page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]))
        assert (sheet.status, sheet.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
        followed, again = others.commands
        assert "REPORT RequestId" in reader.type(followed.replace(" --follow", "")).stdout
        assert "nothing was changed" in reader.type(again).stderr
    assert shown[there + 3 :] == []
    assert "Removed" in reader.type("pocket local --clean").stderr
    assert work_folder.size(reader.folder / ".pocket") < 1_000_000
