import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from tiny_project import Recorder, write

from pocket.config.tables.django import Storage
from pocket.deploy.aws.session import Clients
from pocket.deploy.build import archive, invalidation
from pocket.deploy.build.artifact import Artifact
from pocket.deploy.build.static import IMMUTABLE, REVALIDATED, UNTIL_INVALIDATED, StaticFiles, describe
from pocket.deploy.build.upload import (
    BEGINNINGS,
    INDEX_KEY,
    SMALLEST_PART,
    Counts,
    StoredStatic,
    artifact_key,
    digest,
    put_artifact,
    put_static,
)
from pocket.errors import DeployError

FILES = {
    "page.css": "body {}",
    "page.0a1b2c.css": "body {}",
    "logo.svg": "<svg/>",
    "staticfiles.json": '{"paths": {"page.css": "page.0a1b2c.css"}}',
}


@pytest.fixture
def bucket(clients: Clients) -> Iterator[str]:
    with made(clients) as name:
        yield name


@contextmanager
def made(clients: Clients) -> Iterator[str]:
    name = f"upload-{uuid4().hex}"
    clients.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield name
    for key in keys(clients, name):
        clients.s3.delete_object(Bucket=name, Key=key)
    clients.s3.delete_bucket(Bucket=name)


def keys(clients: Clients, bucket: str) -> set[str]:
    return {item["Key"] for item in clients.s3.list_objects_v2(Bucket=bucket).get("Contents", ())}


def static_files(folder: Path, location: str = "static") -> StaticFiles:
    found = describe(archive.scan(folder), Storage(store="s3", location=location, static=True, manifest=True))
    assert found is not None
    return found


def put(clients: Clients, bucket: str, files: StaticFiles) -> tuple[int, int]:
    counts = put_static(clients.s3, bucket, files, Recorder())
    return counts.uploaded, counts.unchanged


def test_an_artifact_goes_under_its_hash_and_only_once(clients: Clients, bucket: str, tmp_path: Path) -> None:
    write(tmp_path, {"first.zip": "first"})
    artifact = Artifact(tmp_path / "first.zip", sha256="ab" * 32, size=5, unzipped=5, packages=())
    assert put_artifact(clients.s3, bucket, artifact) == artifact.size
    key = artifact_key(artifact)
    assert "ab" * 32 in key
    write(tmp_path, {"first.zip": "not read again"})
    assert put_artifact(clients.s3, bucket, artifact) == 0
    assert clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"first"


def test_an_artifact_that_another_build_removed_is_an_error_that_says_so(
    clients: Clients, bucket: str, tmp_path: Path
) -> None:
    with pytest.raises(DeployError, match=r"lost\.zip is no longer there: later builds replaced it"):
        put_artifact(clients.s3, bucket, Artifact(tmp_path / "lost.zip", "cd" * 32, size=5, unzipped=5, packages=()))


def zipped(folder: Path, project: bytes, packages: int = SMALLEST_PART) -> Artifact:
    """An artifact of packages and a project, with incompressible packages of that many bytes."""
    trees = {"packages": random.Random(7).randbytes(packages), "project": project}
    for name, content in trees.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / f"{name}.bin").write_bytes(content)
    (folder / "kept").mkdir(exist_ok=True)
    parts = [archive.scan(folder / name) for name in trees]
    made = archive.write(parts, folder / f"{archive.digest(parts)}.zip", folder / "kept")
    size = made.path.stat().st_size
    return Artifact(made.path, made.sha256, size, size, packages=(), beginnings=made.beginnings)


def content_of(clients: Clients, bucket: str, artifact: Artifact) -> bytes:
    return clients.s3.get_object(Bucket=bucket, Key=artifact_key(artifact))["Body"].read()


def test_s3_copies_the_packages_of_an_earlier_artifact(clients: Clients, bucket: str, tmp_path: Path) -> None:
    first, second = zipped(tmp_path, b"first"), zipped(tmp_path, b"second")
    assert put_artifact(clients.s3, bucket, first) == first.size
    assert put_artifact(clients.s3, bucket, second) < 1000
    assert content_of(clients, bucket, second) == second.path.read_bytes()
    # From one that was itself copied.
    third = zipped(tmp_path, b"third")
    clients.s3.delete_object(Bucket=bucket, Key=artifact_key(first))
    assert put_artifact(clients.s3, bucket, third) < 1000
    assert content_of(clients, bucket, third) == third.path.read_bytes()
    assert not clients.s3.list_multipart_uploads(Bucket=bucket).get("Uploads")


def test_packages_below_s3s_smallest_part_are_sent(clients: Clients, bucket: str, tmp_path: Path) -> None:
    for project in (b"first", b"second"):
        artifact = zipped(tmp_path, project, packages=SMALLEST_PART - 10_000)
        assert put_artifact(clients.s3, bucket, artifact) == artifact.size
        assert content_of(clients, bucket, artifact) == artifact.path.read_bytes()


def test_other_packages_are_sent(clients: Clients, bucket: str, tmp_path: Path) -> None:
    put_artifact(clients.s3, bucket, zipped(tmp_path, b"first", packages=SMALLEST_PART + 1))
    second = zipped(tmp_path, b"second")
    assert put_artifact(clients.s3, bucket, second) == second.size


def test_a_copy_with_other_content_is_sent_again(clients: Clients, bucket: str, tmp_path: Path) -> None:
    first, second = zipped(tmp_path, b"first"), zipped(tmp_path, b"second")
    put_artifact(clients.s3, bucket, first)
    key = artifact_key(first)
    described = clients.s3.head_object(Bucket=bucket, Key=key)["Metadata"]
    assert described[BEGINNINGS]
    damaged = bytes([first.path.read_bytes()[0] ^ 1]) + first.path.read_bytes()[1:]
    clients.s3.put_object(Bucket=bucket, Key=key, Body=damaged, Metadata=described)
    assert put_artifact(clients.s3, bucket, second) == second.size
    assert content_of(clients, bucket, second) == second.path.read_bytes()
    assert not clients.s3.list_multipart_uploads(Bucket=bucket).get("Uploads")


def test_static_files_that_another_build_replaced_are_not_uploaded(
    clients: Clients, bucket: str, tmp_path: Path
) -> None:
    write(tmp_path, FILES)
    static = static_files(tmp_path)
    for change in (lambda path: path.write_text("body { color: red }"), Path.unlink):
        change(tmp_path / "page.css")
        with pytest.raises(DeployError, match=r"page\.css was replaced by another build of the stage"):
            put_static(clients.s3, bucket, static, Recorder())
        assert "static/page.css" not in keys(clients, bucket)


def test_static_files_have_their_type_and_cache_control(clients: Clients, bucket: str, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    assert put(clients, bucket, static_files(tmp_path)) == (3, 0)
    assert keys(clients, bucket) == {"static/page.css", "static/page.0a1b2c.css", "static/logo.svg", INDEX_KEY}
    hashed = clients.s3.head_object(Bucket=bucket, Key="static/page.0a1b2c.css")
    assert (hashed["ContentType"], hashed["CacheControl"]) == ("text/css; charset=utf-8", IMMUTABLE)
    assert clients.s3.head_object(Bucket=bucket, Key="static/page.css")["CacheControl"] == REVALIDATED


def test_the_digest_of_static_files_follows_content_headers_and_place(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    before = digest(static_files(tmp_path))
    assert digest(static_files(tmp_path)) == before
    assert digest(static_files(tmp_path, "other")) != before
    (tmp_path / "page.css").write_text("body { color: red }")
    assert digest(static_files(tmp_path)) != before


def test_only_what_changed_is_uploaded_again(clients: Clients, bucket: str, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    put(clients, bucket, static_files(tmp_path))
    reporter = Recorder()
    assert put_static(clients.s3, bucket, static_files(tmp_path), reporter) == Counts(uploaded=0, unchanged=3)
    assert reporter.notes == ["Static files: 0 uploaded, 3 unchanged."]
    write(tmp_path, {"logo.svg": "<svg></svg>"})
    assert put(clients, bucket, static_files(tmp_path)) == (1, 2)
    assert clients.s3.get_object(Bucket=bucket, Key="static/logo.svg")["Body"].read() == b"<svg></svg>"


def test_a_releases_files_are_copied_from_another_bucket(clients: Clients, bucket: str, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    put(clients, bucket, static_files(tmp_path))
    stored = StoredStatic(clients.s3, bucket, "static/", "cloudfront", {"page.css": "page.0a1b2c.css"})
    with made(clients) as other:
        assert put_static(clients.s3, other, stored, Recorder()) == Counts(uploaded=2, unchanged=0)
        assert keys(clients, other) == {"static/page.css", "static/page.0a1b2c.css", INDEX_KEY}
        copied = clients.s3.head_object(Bucket=other, Key="static/page.0a1b2c.css")
        assert (copied["ContentType"], copied["CacheControl"]) == ("text/css; charset=utf-8", IMMUTABLE)
        assert put(clients, other, static_files(tmp_path)) == (1, 2), "a deploy finds them unchanged"
        write(tmp_path, {"page.css": "body { }"})
        put(clients, bucket, static_files(tmp_path))
        assert put_static(clients.s3, other, stored, Recorder()).stale == ("static/page.css",)
        all_files = replace(stored, hashed={})
        assert put_static(clients.s3, other, all_files, Recorder()) == Counts(0, 3, ("static/page.css",))
        gone = replace(stored, hashed={"gone.css": "gone.1.css"})
        with pytest.raises(DeployError, match=r"static/gone.1.css of the release is no longer in bucket"):
            put_static(clients.s3, other, gone, Recorder())


def test_a_changed_header_is_a_change(clients: Clients, bucket: str, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    files = static_files(tmp_path)
    put(clients, bucket, files)
    others = replace(files, files=tuple(replace(file, cache_control="no-store") for file in files.files))
    assert put(clients, bucket, others) == (3, 0)


def test_what_was_removed_or_replaced_in_the_bucket_is_put_back(clients: Clients, bucket: str, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    put(clients, bucket, static_files(tmp_path))
    clients.s3.delete_object(Bucket=bucket, Key="static/page.css")
    clients.s3.put_object(Bucket=bucket, Key="static/logo.svg", Body=b"another hand's")
    assert put(clients, bucket, static_files(tmp_path)) == (2, 1)
    assert clients.s3.get_object(Bucket=bucket, Key="static/logo.svg")["Body"].read() == b"<svg/>"


def test_files_of_older_releases_stay(clients: Clients, bucket: str, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    put(clients, bucket, static_files(tmp_path))
    (tmp_path / "page.0a1b2c.css").unlink()
    assert put(clients, bucket, static_files(tmp_path)) == (0, 2)
    assert "static/page.0a1b2c.css" in keys(clients, bucket)


def test_two_storages_in_one_bucket_share_the_index(clients: Clients, bucket: str, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    put(clients, bucket, static_files(tmp_path))
    assert put(clients, bucket, static_files(tmp_path, "other")) == (3, 0)
    assert put(clients, bucket, static_files(tmp_path)) == (0, 3)


@pytest.mark.parametrize("damaged", [b"not json", b"[1]"])
def test_a_damaged_index_only_costs_an_upload(clients: Clients, bucket: str, tmp_path: Path, damaged: bytes) -> None:
    write(tmp_path, FILES)
    put(clients, bucket, static_files(tmp_path))
    clients.s3.put_object(Bucket=bucket, Key=INDEX_KEY, Body=damaged)
    assert put(clients, bucket, static_files(tmp_path)) == (3, 0)
    assert put(clients, bucket, static_files(tmp_path)) == (0, 3)


def behind_cdn(folder: Path) -> StaticFiles:
    found = describe(archive.scan(folder), Storage(store="cloudfront", location="static", static=True, manifest=True))
    assert found is not None
    return found


def test_changed_names_without_a_hash_are_remembered_until_they_are_invalidated(
    clients: Clients, bucket: str, tmp_path: Path
) -> None:
    write(tmp_path, FILES)
    first = put_static(clients.s3, bucket, behind_cdn(tmp_path), Recorder())
    assert first.stale == (), "a distribution has not seen what is new"
    assert clients.s3.head_object(Bucket=bucket, Key="static/page.css")["CacheControl"] == UNTIL_INVALIDATED
    write(tmp_path, {"logo.svg": "<svg></svg>", "page.0a1b2c.css": "b {}", "new.js": ""})
    assert put_static(clients.s3, bucket, behind_cdn(tmp_path), Recorder()).stale == ("static/logo.svg",)
    # A deploy that ended before it was live left this one.
    assert put_static(clients.s3, bucket, behind_cdn(tmp_path), Recorder()).stale == ("static/logo.svg",)
    assert put_static(clients.s3, bucket, static_files(tmp_path), Recorder()).stale == ()


def test_an_invalidation_names_the_files_and_empties_the_record(clients: Clients, bucket: str, tmp_path: Path) -> None:
    distribution = clients.cloudfront.create_distribution(
        DistributionConfig={
            "CallerReference": bucket,
            "Comment": "",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [{"Id": "x", "DomainName": "x.example"}]},
            "DefaultCacheBehavior": {"TargetOriginId": "x", "ViewerProtocolPolicy": "allow-all"},
        }
    )["Distribution"]["Id"]
    keys = invalidation.record(clients.s3, bucket, ["static/a b.css"])
    reporter = Recorder()
    invalidation.invalidate(clients, bucket, distribution, keys, reporter)
    [made] = clients.cloudfront.list_invalidations(DistributionId=distribution)["InvalidationList"]["Items"]
    found = clients.cloudfront.get_invalidation(DistributionId=distribution, Id=made["Id"])["Invalidation"]
    assert found["InvalidationBatch"]["Paths"]["Items"] == ["/static/a%20b.css"]
    assert reporter.notes == ["Invalidated in the distribution: 1 changed file."]
    assert invalidation.record(clients.s3, bucket, []) == ()
