import os
import stat
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from pocket.deploy.build import archive

NAMES = st.from_regex(r"[a-zé.]{1,6}(/[a-z]{1,4}){0,2}", fullmatch=True).filter(
    lambda name: not any(part in (".", "..") for part in name.split("/"))
)
TREES = st.dictionaries(NAMES, st.tuples(st.binary(max_size=200), st.booleans()), max_size=6).filter(
    lambda tree: not any(other.startswith(f"{name}/") for name in tree for other in tree)
)


def planted(folder: Path, tree: dict[str, tuple[bytes, bool]]) -> Path:
    for name, (content, executable) in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o700 if executable else 0o600)
    return folder


@given(tree=TREES)
def test_a_zip_holds_what_went_in_with_modes_that_anyone_can_read(tree: dict[str, tuple[bytes, bool]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "out.zip"
        archive.write(archive.scan(planted(Path(folder) / "in", tree)), path)
        with zipfile.ZipFile(path) as written:
            items = written.infolist()
            contents = {item.filename: written.read(item) for item in items if not item.is_dir()}
    modes = {item.filename: item.external_attr >> 16 for item in items}
    assert contents == {name: content for name, (content, _) in tree.items()}
    for name, mode in modes.items():
        executable = tree.get(name, (b"", False))[1]
        expected = stat.S_IFDIR | 0o755 if name.endswith("/") else stat.S_IFREG | (0o755 if executable else 0o644)
        assert mode == expected
    assert list(modes) == sorted(modes)


def test_time_place_order_and_umask_do_not_change_a_byte(tmp_path: Path) -> None:
    contents = {"b/two.py": (b"2\n", False), "a.txt": (b"1\n", False), "b/run.sh": (b"#!/bin/sh\n", True)}
    first = planted(tmp_path / "first", contents)
    second = planted(tmp_path / "elsewhere" / "second", dict(reversed(contents.items())))
    for path in second.rglob("*.*"):
        os.utime(path, (1, 1))
        path.chmod(path.stat().st_mode | 0o066)
    for folder in (first, second):
        archive.write(archive.scan(folder), folder.with_suffix(".zip"))
    assert first.with_suffix(".zip").read_bytes() == second.with_suffix(".zip").read_bytes()
    assert archive.digest(archive.scan(first)) == archive.digest(archive.scan(second))


def test_the_digest_depends_on_contents_names_and_executable_bits(tmp_path: Path) -> None:
    variants = [
        {"a": (b"1", False)},
        {"a": (b"2", False)},
        {"b": (b"1", False)},
        {"a": (b"1", True)},
        {"a": (b"1", False), "b": (b"", False)},
    ]
    digests = {
        archive.digest(archive.scan(planted(tmp_path / str(index), tree))) for index, tree in enumerate(variants)
    }
    assert len(digests) == len(variants)


def test_a_zip_that_cannot_be_finished_leaves_nothing_behind(tmp_path: Path) -> None:
    entries = archive.scan(planted(tmp_path / "in", {"a": (b"1", False)}))
    (tmp_path / "in" / "a").unlink()
    try:
        archive.write(entries, tmp_path / "out.zip")
    except FileNotFoundError:
        pass
    else:
        raise AssertionError("the vanished file was not missed")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
