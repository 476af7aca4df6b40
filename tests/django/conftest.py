"""A deployed project for the system checks to judge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from checking import Site, checked


@pytest.fixture(scope="module")
def project_to_check(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The project `checked`, set up for a module's tests."""
    with checked(tmp_path_factory.mktemp("checked")):
        yield


@pytest.fixture
def site(project_to_check: None, no_aws: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The project, deployed to `prd` with a site."""
    site = Site(tmp_path / "task", monkeypatch)
    site.deploy()
    return site
