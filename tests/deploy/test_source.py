from pathlib import Path

import pytest
from tiny_project import write

from pocket.deploy.build import source


def chosen(folder: Path, *exclude: str) -> set[str]:
    return set(source.select(folder, exclude).files)


def test_products_of_tools_and_local_data_stay_out(tmp_path: Path) -> None:
    kept = {"manage.py", "app/models.py", "app/static/app/dist/app.js", "app/media/icon.svg", "locale/de/django.mo"}
    left_out = {
        *(".git/HEAD", ".venv/x.py", ".venv-3.13/x.py", "app/__pycache__/m.cpython-313.pyc", "app/old.pyc"),
        *(
            "node_modules/x/index.js",
            ".pocket/build/lock",
            "db.sqlite3",
            "logs/django.log",
            "media/upload.png",
            "dist/x.whl",
            "build/x",
        ),
        *(".mypy_cache/x", ".pytest_cache/x", ".coverage", "tiny.egg-info/PKG-INFO", "pocket.toml", "uv.lock"),
    }
    write(tmp_path, dict.fromkeys(kept | left_out, "x"))
    assert chosen(tmp_path) == kept


def test_a_virtual_environment_of_any_name_stays_out(tmp_path: Path) -> None:
    write(tmp_path, {"env/pyvenv.cfg": "", "env/lib/x.py": "", "manage.py": ""})
    assert chosen(tmp_path) == {"manage.py"}


def test_a_package_named_like_a_folder_of_data_goes_in(tmp_path: Path) -> None:
    write(tmp_path, {"media/__init__.py": "", "media/models.py": "", "build/output.bin": ""})
    assert chosen(tmp_path) == {"media/__init__.py", "media/models.py"}


@pytest.mark.parametrize(
    ("pattern", "left_out"),
    [
        ("*.md", {"README.md", "docs/guide.md"}),
        ("docs", {"docs/guide.md", "docs/api/x.txt", "app/docs/x.txt"}),
        ("/docs/", {"docs/guide.md", "docs/api/x.txt"}),
        ("docs/*.md", {"docs/guide.md"}),
        ("app/docs", {"app/docs/x.txt"}),
        ("README.md/", set()),
    ],
)
def test_a_pattern_matches_names_anywhere_and_paths_from_the_project(
    tmp_path: Path, pattern: str, left_out: set[str]
) -> None:
    everything = {"README.md", "docs/guide.md", "docs/api/x.txt", "app/docs/x.txt", "app/x.py"}
    write(tmp_path, dict.fromkeys(everything, "x"))
    assert chosen(tmp_path, pattern) == everything - left_out


def test_secrets_stay_out_and_are_named_while_certificates_go_in(tmp_path: Path) -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nx\n"
    secrets = {".env", ".env.production", "id_rsa", "deploy.p12", "certs/server.key", ".netrc", "certs/both.pem"}
    write(tmp_path, {**dict.fromkeys(secrets, key), ".ssh/config": "x"})
    write(tmp_path, {"certs/rds-ca.pem": "-----BEGIN CERTIFICATE-----\n", "app/key.py": "KEY = 1\n"})
    found = source.select(tmp_path)
    assert set(found.files) == {"certs/rds-ca.pem", "app/key.py"}
    assert all(any(secret in note for note in found.notes) for secret in secrets)


def test_a_link_inside_the_project_is_followed(tmp_path: Path) -> None:
    write(tmp_path, {"pages/page.html": "page", "app/x.py": ""})
    (tmp_path / "app" / "templates").symlink_to(tmp_path / "pages")
    (tmp_path / "app" / "page.html").symlink_to("../pages/page.html")
    found = source.select(tmp_path)
    assert set(found.files) == {"pages/page.html", "app/x.py", "app/templates/page.html", "app/page.html"}
    assert found.files["app/templates/page.html"].read_text() == "page"
    assert not found.notes


def test_links_to_nothing_or_out_of_the_project_are_left_out_and_named(tmp_path: Path) -> None:
    write(tmp_path, {"project/x.py": "", "elsewhere/secret.txt": ""})
    project = tmp_path / "project"
    (project / "broken").symlink_to("no-such-file")
    (project / "loop").symlink_to("loop")
    (project / "outside").symlink_to(tmp_path / "elsewhere")
    found = source.select(project)
    assert set(found.files) == {"x.py"}
    assert [note.split(":")[0] for note in found.notes] == ["Left out broken", "Left out loop", "Left out outside"]


def test_a_folder_that_links_to_its_own_parent_is_packed_once(tmp_path: Path) -> None:
    write(tmp_path, {"app/x.py": ""})
    (tmp_path / "app" / "again").symlink_to(tmp_path / "app")
    assert chosen(tmp_path) == {"app/x.py"}


def test_a_link_does_not_bring_in_what_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, {".env": "SECRET=1", "media/upload.png": "", ".git/config": "", "x.py": ""})
    (tmp_path / "settings.txt").symlink_to(".env")
    (tmp_path / "uploads").symlink_to("media")
    (tmp_path / "configuration").symlink_to(".git/config")
    assert chosen(tmp_path) == {"x.py"}


def test_a_folders_digest_follows_contents_and_not_what_tools_leave(tmp_path: Path) -> None:
    write(tmp_path, {"pyproject.toml": "1", "src/a.py": "1"})
    first = source.folder_digest(tmp_path)
    write(tmp_path, {"src/__pycache__/a.pyc": "1", ".git/index": "1", ".pocket/x": "1", ".work/y": "1"})
    assert source.folder_digest(tmp_path) == first
    write(tmp_path, {"src/a.py": "2"})
    assert source.folder_digest(tmp_path) != first
