"""How functions run: on a clean interpreter, in a clean environment, as their role, with failures that say why."""

import os
import sys
from pathlib import Path
from typing import Any


def test_a_function_sees_no_package_and_no_variable_of_emulator_or_developer(cloud: Any) -> None:
    source = (
        "import os, sys\n"
        "from importlib import metadata, util\n"
        "def handler(event, context):\n"
        "    found = [name for name in event if util.find_spec(name)]\n"
        "    packages = [str(package.name) for package in metadata.distributions()]\n"
        "    return {'path': sys.path, 'environ': dict(os.environ), 'found': found, 'packages': packages}\n"
    )
    seen = cloud.call(source, ["pocket", "ministack", "botocore", "django", "pip", "bootstrap", "worker", "app"])
    assert seen["found"] == ["app"]
    assert seen["packages"] == []
    task_root, *others = seen["path"]
    assert task_root == seen["environ"]["LAMBDA_TASK_ROOT"]
    state = str(cloud.local.state_dir)
    assert all(not Path(entry).is_relative_to(Path(__file__).parents[2] / ".venv") for entry in others)
    assert [entry for entry in others if entry.startswith(state)] == [
        f"{state}/python/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    ]
    from_outside = {name for name, value in seen["environ"].items() if os.environ.get(name) == value}
    assert from_outside <= {"LANG", "TZ"}
    assert seen["environ"]["AWS_ENDPOINT_URL"] == cloud.local.endpoint_url
    assert seen["environ"]["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert cloud.local.access_key_id not in str(seen)
    assert cloud.local.secret_access_key not in str(seen)
