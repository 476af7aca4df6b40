import hashlib
import os
import stat
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.deploy.build import archive, cache

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


def written(parts: list[dict[str, archive.Entry]], path: Path) -> archive.Zip:
    kept = path.parent / "kept"
    kept.mkdir(exist_ok=True)
    return archive.write(parts, path, kept)


@given(tree=TREES, first=st.sets(NAMES, max_size=3))
def test_a_zip_holds_what_went_in_with_modes_that_anyone_can_read(
    tree: dict[str, tuple[bytes, bool]], first: set[str]
) -> None:
    with TemporaryDirectory() as folder:
        entries = archive.scan(planted(Path(folder) / "in", tree))
        begins = {name: entry for name, entry in entries.items() if name in first}
        rest = {name: entry for name, entry in entries.items() if name not in first}
        path = written([begins, {}, rest], Path(folder) / "out.zip").path
        with zipfile.ZipFile(path) as found:
            items = found.infolist()
            contents = {item.filename: found.read(item) for item in items}
    assert contents == {name: content for name, (content, _) in tree.items()}
    for item in items:
        assert item.external_attr >> 16 == stat.S_IFREG | (0o755 if tree[item.filename][1] else 0o644)
    assert [item.filename for item in items] == [*sorted(begins), *sorted(rest)]


def test_time_place_order_and_umask_do_not_change_a_byte(tmp_path: Path) -> None:
    contents = {"b/two.py": (b"2\n", False), "a.txt": (b"1\n", False), "b/run.sh": (b"#!/bin/sh\n", True)}
    first = planted(tmp_path / "first", contents)
    second = planted(tmp_path / "elsewhere" / "second", dict(reversed(contents.items())))
    for path in second.rglob("*.*"):
        os.utime(path, (1, 1))
        path.chmod(path.stat().st_mode | 0o066)
    one, other = (written([archive.scan(folder)], folder.with_suffix(".zip")) for folder in (first, second))
    assert one.path.read_bytes() == other.path.read_bytes()
    assert one.sha256 == other.sha256 == hashlib.sha256(one.path.read_bytes()).hexdigest()
    assert archive.digest([archive.scan(first)]) == archive.digest([archive.scan(second)])


def test_the_digest_depends_on_contents_names_executable_bits_and_parts(tmp_path: Path) -> None:
    variants = [
        {"a": (b"1", False)},
        {"a": (b"2", False)},
        {"b": (b"1", False)},
        {"a": (b"1", True)},
        {"a": (b"1", False), "b": (b"", False)},
    ]
    scanned = [archive.scan(planted(tmp_path / str(index), tree)) for index, tree in enumerate(variants)]
    parted = [[{}, scanned[-1]], [{"a": scanned[-1]["a"]}, {"b": scanned[-1]["b"]}]]
    digests = {archive.digest(parts) for parts in ([*([tree] for tree in scanned), *parted])}
    assert len(digests) == len(variants) + len(parted)


def three_parts(tmp_path: Path, project: bytes) -> list[dict[str, archive.Entry]]:
    trees = {"packages": b"packages" * 9, "libraries": b"libraries", "project": project}
    return [
        archive.scan(planted(tmp_path / name, {f"{name}/one.py": (content, False)})) for name, content in trees.items()
    ]


def test_a_change_of_the_last_part_leaves_the_bytes_before_it(tmp_path: Path) -> None:
    one = written(three_parts(tmp_path, b"first"), tmp_path / "one.zip")
    other = written(three_parts(tmp_path, b"second"), tmp_path / "other.zip")
    assert one.sha256 != other.sha256
    assert one.beginnings == other.beginnings
    assert [each.length for each in one.beginnings] == sorted(each.length for each in one.beginnings)
    assert len(one.beginnings) == 2
    for beginning in one.beginnings:
        start = other.path.read_bytes()[: beginning.length]
        assert hashlib.sha256(start).hexdigest() == beginning.sha256
    with zipfile.ZipFile(other.path) as found:
        assert one.beginnings[1].length == found.getinfo("project/one.py").header_offset


def test_the_first_part_is_compressed_once(tmp_path: Path) -> None:
    parts = three_parts(tmp_path, b"first")
    one = written(parts, tmp_path / "one.zip")
    (tmp_path / "packages" / "packages" / "one.py").unlink()
    again = written([*parts[:2], three_parts(tmp_path, b"second")[2]], tmp_path / "again.zip")
    assert again.beginnings == one.beginnings


@pytest.mark.parametrize("damage", ["cut", "changed", "without its record"])
@pytest.mark.parametrize("which", ["first part", "whole"])
def test_a_damaged_zip_is_found_by_its_hash_and_made_again(tmp_path: Path, which: str, damage: str) -> None:
    parts = three_parts(tmp_path, b"first")
    one = written(parts, tmp_path / "one.zip")
    content = one.path.read_bytes()
    (kept,) = (tmp_path / "kept").glob("*.zip")
    damaged = kept if which == "first part" else one.path
    if damage == "without its record":
        damaged.with_name(f"{damaged.name}.json").unlink()
    else:
        before = damaged.read_bytes()
        damaged.write_bytes(before[:-10] if damage == "cut" else before[:-1] + bytes([before[-1] ^ 1]))
    if which == "first part":
        one.path.unlink()
    again = written(parts, tmp_path / "one.zip")
    assert again == one
    assert again.path.read_bytes() == content


def test_a_file_that_changed_since_it_was_built_is_not_packed(tmp_path: Path) -> None:
    entries = archive.scan(planted(tmp_path / "in", {"a": (b"1", False)}))
    (tmp_path / "in" / "a").write_bytes(b"2")
    with pytest.raises(archive.Changed, match="in/a has changed"):
        written([entries], tmp_path / "out.zip")


def test_a_zip_that_cannot_be_finished_leaves_nothing_behind(tmp_path: Path) -> None:
    entries = archive.scan(planted(tmp_path / "in", {"a": (b"1", False)}))
    (tmp_path / "in" / "a").unlink()
    for parts in ([entries], [{}, entries]):
        with pytest.raises(FileNotFoundError):
            written(parts, tmp_path / "out.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "kept"]
    assert not list((tmp_path / "kept").glob("*.part"))


def test_a_kept_file_is_found_by_its_hash_while_it_is_intact(tmp_path: Path) -> None:
    for name in ("new", "old"):
        made = tmp_path / f"{name}.part"
        made.write_text(name)
        cache.keep(made, tmp_path / f"{name}.zip", hashlib.sha256(name.encode()).hexdigest())
    os.utime(tmp_path / "old.zip", (0, 0))
    wanted = hashlib.sha256(b"old").hexdigest()
    assert cache.find_content(tmp_path, "*.zip", wanted) == tmp_path / "old.zip"
    assert (tmp_path / "old.zip").stat().st_mtime == 0, "to read it does not make it the newest"
    (tmp_path / "old.zip").write_text("cut")
    assert cache.find_content(tmp_path, "*.zip", wanted) is None
    assert cache.find_content(tmp_path, "*.zip", "") is None
