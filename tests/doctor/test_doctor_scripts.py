"""Scripts that reach models before django.setup(), told from their source."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocket.doctor.scripts import scan

MODELS = frozenset({"shop.models", "django.contrib.auth.models"})
GUARD = 'if __name__ == "__main__":\n    main()\n'


def found(folder: Path, text: str, name: str = "job.py") -> list[tuple[str, int]]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return [(Path(item.file).name, item.line) for item in scan(folder, MODELS, frozenset())]


@pytest.mark.parametrize(
    "text",
    [
        f"from shop.models import Country\n{GUARD}",
        f"from shop import models\n{GUARD}",
        f"import shop.models\n{GUARD}",
        "#!/usr/bin/env python\nfrom django.contrib.auth.models import User\n",
        "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'settings'\nimport shop.models\n",
        "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\nimport shop.models\n",
        f"from django.contrib.auth import get_user_model\nUser = get_user_model()\n{GUARD}",
        f"def main():\n    from shop.models import Country\n{GUARD}",
        "import django\nfrom shop.models import Country\ndjango.setup()\n" + GUARD,
        f'if __name__ == "__main__":\n    from shop.models import Country\n\nimport django\ndjango.setup()\n{GUARD}',
    ],
)
def test_a_model_before_setup_is_found_at_its_line(tmp_path: Path, text: str) -> None:
    lines = text.splitlines()
    expected = next(
        number
        for number, line in enumerate(lines, 1)
        if ("models" in line or "get_user_model()" in line) and "environ" not in line
    )
    assert found(tmp_path, text) == [("job.py", expected)]


@pytest.mark.parametrize(
    "text",
    [
        f"import django\ndjango.setup()\nfrom shop.models import Country\n{GUARD}",
        f"from django import setup\nsetup()\nfrom shop.models import Country\n{GUARD}",
        f"import django\ndef main():\n    django.setup()\n    from shop.models import Country\n{GUARD}",
        f"from django.core import wsgi\napplication = wsgi.get_wsgi_application()\nimport shop.models\n{GUARD}",
        f"import json\n{GUARD}",
        "from shop.models import Country\n",
        f"from shop.models import (\n{GUARD}",
    ],
)
def test_a_script_that_sets_up_first_and_other_files_are_not_issues(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == []


def test_the_way_to_the_model_leads_through_the_projects_own_modules(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    (tmp_path / "shop" / "report.py").write_text("from . import prices\n")
    (tmp_path / "shop" / "prices.py").write_text("from .report import total\nfrom .models import Country\n")
    (tmp_path / "job.py").write_text(f"import os\nfrom shop.report import total\n{GUARD}")
    issue = scan(tmp_path, MODELS, frozenset())[0]
    assert (issue.line, issue.details) == (2, ("job.py → shop.report → shop.prices → shop.models",))


@pytest.mark.parametrize(
    "name", ["test_job.py", "conftest.py", "tests/job.py", "shop/management/commands/job.py", ".venv/lib/job.py"]
)
def test_tests_commands_and_environments_hold_no_scripts(tmp_path: Path, name: str) -> None:
    assert found(tmp_path, f"from shop.models import Country\n{GUARD}", name) == []


def test_what_the_start_imports_is_not_a_script(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "jobs.py").write_text(f"from shop.models import Country\n{GUARD}")
    assert scan(tmp_path, MODELS, frozenset({"shop.jobs"})) == []
