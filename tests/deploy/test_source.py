import gzip
import os
from pathlib import Path

import pytest
from tiny_project import write

from pocket.deploy.build import source
from pocket.errors import BuildFailed


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


SECRETS = {
    "prod.env": "A=b\n",
    "config/live.txt": "DB_HOST=db\nDB_PASSWORD=hunter2\n",
    "config/values.yml": "web:\n  API_TOKEN: abcdefgh\n",
    "config/broker.ini": "[broker]\nurl = amqp://shop:hunter2@queue.example.com/\n",
    "google.json": '{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\\nMII"}',
    "client_secret.json": '{"installed": {"client_id": "x", "client_secret": "GOCSPX-abc"}}',
    "infra/state.json": '{"version": 4, "terraform_version": "1.9.0", "serial": 7, "lineage": "x", "outputs": {}}',
    "infra/terraform.tfstate": "{}",
    "infra/live.tfvars": 'size = "small"',
    "jwk.json": '{"kty": "RSA", "n": "x", "e": "AQAB", "d": "y"}',
    "npmrc": "//registry.npmjs.org/:_authToken=npm_x\n",
    "passwords": "db.example.com:5432:shop:shop:hunter2\n",
    "docker.json": '{"auths": {"ghcr.io": {"auth": "eDp5"}}}',
    "cluster.yaml": "users:\n- name: me\n  user:\n    client-key-data: LS0t\n",
    "requirements.in": "--index-url https://me:hunter2@pypi.example.com/simple\nsix\n",
    "apple.p8": "-----BEGIN PRIVATE KEY-----\nMII\n",
    "notes/keys.py": f'KEY = """-----BEGIN RSA PRIVATE KEY-----\n{"MIIEow" * 12}\n"""\n',
}


@pytest.mark.parametrize("name", SECRETS)
def test_the_content_decides_what_is_a_secret_and_no_pattern_brings_it_back(tmp_path: Path, name: str) -> None:
    write(tmp_path, {name: SECRETS[name], "manage.py": ""})
    found = source.select(tmp_path, ["!*", f"!{name}"])
    assert set(found.files) == {"manage.py"}
    assert any("may hold secrets" in note and name in note for note in found.notes)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("settings.py", 'SECRET_KEY = env("SECRET_KEY")\nif "-----BEGIN PRIVATE KEY-----\\n" in text: pass\n'),
        ("data.json", '{"password": "Passwort", "labels": ["SECRET_KEY"]}'),
        ("locale/de.json", '{"FORGOT_PASSWORD": "vergessen"}'),
        ("README.md", "DATABASE_URL=postgres://me:secret@localhost/shop\n"),
        ("gunicorn.ini", "[server]\nbind = 0.0.0.0:8000\nworkers = 4\n"),
        ("logging.yml", "SECRET_KEY: ${SECRET_KEY}\n"),
        ("requirements.txt", "django-environ==0.12\npython_secrets==1\n"),
        ("fixtures/users.json", '[{"model": "auth.user", "fields": {"password": "argon2$x"}}]'),
        ("tree.xml", "<url>https://example.com:8000/a@b</url>"),
    ],
)
def test_what_only_names_a_secret_is_packed(tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path, {name: text})
    assert chosen(tmp_path) == {name}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data/live", b"SQLite format 3\0rest"),
        ("backup", b"PGDMP\1\2"),
        ("backup.sql", b"--\n-- PostgreSQL database dump\n--\n"),
        ("backup.sql.gz", gzip.compress(b"/*!999999\\- enable the sandbox mode */\n-- MariaDB dump 10.19\n", mtime=0)),
        ("backup.txt", b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n"),
        ("dump.json", b'[{"model": "auth.user", "pk": 1, "fields": {"password": "pbkdf2_sha256$600000$x"}}]'),
        ("old.sqlite3", b""),
    ],
)
def test_a_database_goes_in_only_by_its_name(tmp_path: Path, name: str, content: bytes) -> None:
    write(tmp_path, {name: ""})
    (tmp_path / name).write_bytes(content)
    found = source.select(tmp_path)
    assert not found.files
    assert f'"!{name}"' in found.notes[0]
    assert chosen(tmp_path, f"!{name}") == {name}


def test_names_with_a_dot_in_front_go_in_only_by_their_name(tmp_path: Path) -> None:
    dotted = {
        ".well-known/security.txt",
        ".data/a.csv",
        ".data/.b",
        "app/.hidden",
        ".kube/config",
        ".docker/config.json",
    }
    write(tmp_path, dict.fromkeys({*dotted, ".npmrc", ".git-credentials", ".pgpass", ".gitignore", "x.py"}, ""))
    assert chosen(tmp_path) == {"x.py"}
    (secret, default, *_) = source.select(tmp_path).notes
    assert all(name in secret for name in (".docker/", ".git-credentials", ".kube/", ".npmrc", ".pgpass"))
    assert "app/.hidden" in default
    assert ".gitignore" not in default
    assert chosen(tmp_path, "!.well-known", "!.data/") == {"x.py", ".well-known/security.txt", ".data/a.csv"}
    assert chosen(tmp_path, "!.*") == {"x.py", ".gitignore"} | dotted - {".kube/config", ".docker/config.json"}


def test_a_pattern_brings_back_and_the_last_one_decides(tmp_path: Path) -> None:
    write(tmp_path, dict.fromkeys(["dist/app.js", "dist/.vite/manifest.json", "dist/app.js.map", "dist/old/x.js"], ""))
    assert chosen(tmp_path) == set()
    assert "Left out by default: dist/." in source.select(tmp_path).notes[0]
    assert chosen(tmp_path, "!dist/", "*.map", "/dist/old/") == {"dist/app.js", "dist/.vite/manifest.json"}
    assert chosen(tmp_path, "!dist/old/x.js") == {"dist/old/x.js"}
    assert chosen(tmp_path, "!dist/", "dist") == set()


def test_what_is_packed_besides_code_is_listed(tmp_path: Path) -> None:
    write(
        tmp_path, {"app/x.py": "", "app/templates/a.txt": "", "app/static/a.css": "", "app/data/cities.csv": "x" * 4096}
    )
    assert source.select(tmp_path).notes == ("Packed besides code (1): app/data/cities.csv (4 KB).",)
    write(tmp_path, {f"maps/{number}.bin": "12345" for number in range(20)})
    assert source.select(tmp_path).notes == (
        "Packed besides code (21): app/ (1 files, 4 KB), maps/ (20 files, 100 bytes).",
    )


def test_a_file_name_that_is_not_utf8_is_an_error_that_shows_it(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.py")).touch()
    with pytest.raises(BuildFailed, match=r"caf\\xe9\.py") as caught:
        source.select(tmp_path)
    str(caught.value).encode()


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
