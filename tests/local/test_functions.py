"""How functions run: on a clean interpreter, in a clean environment, as their role, with failures that say why."""

import base64
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from waiting import wait_until

ASSETS = Path(__file__).parent / "assets"


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


def test_nothing_of_the_project_is_above_a_functions_code(cloud: Any) -> None:
    source = "def handler(event, context):\n    return __file__\n"
    project = cloud.local.state_dir.parent.parent
    code = Path(cloud.call(source)).resolve()
    assert code.is_file()
    assert not code.is_relative_to(project)
    assert not [above for above in code.parents if (above / ".env").exists() or above == project]


def test_a_function_acts_as_its_role_and_no_more(cloud: Any) -> None:
    """Signed by hand, as `pocket.runtime` does: the bare interpreter has no boto3."""
    cloud.client("secretsmanager").create_secret(Name="allowed", SecretString="one")
    cloud.client("secretsmanager").create_secret(Name="other", SecretString="two")
    region = "ap-northeast-1"
    resource = f"arn:aws:secretsmanager:{region}:000000000000:secret:allowed-*"
    role = cloud.role(
        "reader",
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": resource},
        {"Effect": "Allow", "Action": "secretsmanager:BatchGetSecretValue", "Resource": "*"},
    )
    source = (ASSETS / "signed_call.py").read_text() + (
        "def handler(event, context):\n    return [call(*request) for request in event]\n"
    )
    requests = [
        ["sts", "application/x-www-form-urlencoded", "", "Action=GetCallerIdentity&Version=2011-06-15"],
        [
            "secretsmanager",
            "",
            "secretsmanager.BatchGetSecretValue",
            json.dumps({"SecretIdList": ["allowed", "other"]}),
        ],
        ["secretsmanager", "", "secretsmanager.GetSecretValue", json.dumps({"SecretId": "allowed"})],
        ["secretsmanager", "", "secretsmanager.GetSecretValue", json.dumps({"SecretId": "other"})],
        ["secretsmanager", "", "secretsmanager.ListSecrets", "{}"],
    ]
    identity, batch, allowed, other, listed = cloud.call(source, requests, role=role)
    assert ":assumed-role/reader/" in identity[1]
    assert [value["SecretString"] for value in json.loads(batch[1])["SecretValues"]] == ["one"]
    assert [error["ErrorCode"] for error in json.loads(batch[1])["Errors"]] == ["AccessDeniedException"]
    assert json.loads(allowed[1])["SecretString"] == "one"
    assert {other[0], listed[0]} <= {400, 403}
    assert "not authorized to perform: secretsmanager:GetSecretValue" in other[1]


def test_each_parameter_of_a_call_is_authorized(cloud: Any) -> None:
    ssm = cloud.client("ssm")
    for name in ("/shop/one", "/shop/two", "other"):
        ssm.put_parameter(Name=name, Value=name, Type="String")
    allowed = "arn:aws:ssm:ap-northeast-1:000000000000:parameter/shop/*"
    role = cloud.role("parameters", {"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": allowed})
    source = (ASSETS / "signed_call.py").read_text() + (
        "def handler(event, context):\n"
        "    return [call('ssm', '', 'AmazonSSM.GetParameters', json.dumps({'Names': names})) for names in event]\n"
    )
    requested = [["/shop/one", "/shop/two:1"], ["shop/one"], ["/shop/one", "other"], ["other"], []]
    both, one, mixed, other, none = cloud.call(f"import json\n{source}", requested, role=role)
    assert [item["Value"] for item in json.loads(both[1])["Parameters"]] == ["/shop/one", "/shop/two"]
    assert one[0] == 200
    for status, body in (mixed, other):
        assert status in {400, 403}
        assert "not authorized to perform: ssm:GetParameters on resource" in body
        assert "parameter/other" in body
    assert none[0] != 200


def test_environments_of_versions_that_a_release_left_behind_end(cloud: Any, package: Any) -> None:
    functions = cloud.client("lambda")
    source = "import os\ndef handler(event, context):\n    return os.getpid()\n"
    cloud.function("renewed", source)
    first = functions.publish_version(FunctionName="renewed")["Version"]
    functions.create_alias(FunctionName="renewed", Name="live", FunctionVersion=first)
    left, _ = cloud.invoke("renewed:live")
    code = package({"app.py": f"{source}#\n"})
    second = functions.update_function_code(FunctionName="renewed", ZipFile=code, Publish=True)["Version"]
    cloud.local.save()
    assert cloud.invoke("renewed:live")[0] == left, "it is live still"
    live, _ = cloud.invoke(f"renewed:{second}")
    functions.update_alias(FunctionName="renewed", Name="live", FunctionVersion=second)
    cloud.local.save()
    assert not Path(f"/proc/{left}").exists()
    assert cloud.invoke("renewed:live")[0] == live


def test_a_handlers_exception_is_reported_with_its_type_and_trace(cloud: Any) -> None:
    cloud.function(
        "raises", "import os\ndef handler(event, context):\n    print(os.getpid())\n    raise KeyError('x')\n"
    )
    payload, failed = cloud.invoke("raises")
    assert (failed, payload["errorType"], payload["errorMessage"]) == ("Unhandled", "KeyError", "'x'")
    assert any("raise KeyError('x')" in frame for frame in payload["stackTrace"])
    messages = logged(cloud, "raises")
    assert any(line.startswith("[ERROR] KeyError: 'x'") for line in messages)
    assert "Traceback (most recent call last):" in messages
    cloud.invoke("raises")
    pids = {line for line in logged(cloud, "raises") if line.isdigit()}
    assert len(pids) == 1, "an exception does not cost the environment"


@pytest.mark.parametrize(
    ("name", "source", "handler", "kind"),
    [
        ("no-module", "import nowhere\n", "app.handler", "Runtime.ImportModuleError"),
        ("no-handler", "", "app.handler", "Runtime.HandlerNotFound"),
        ("own-attribute", "import os\nos.missing\n", "app.handler", "AttributeError"),
        ("own-error", "raise RuntimeError('settings')\n", "app.handler", "RuntimeError"),
        ("exits", "raise SystemExit(3)\n", "app.handler", "Runtime.ExitError"),
    ],
)
def test_a_failed_start_is_in_the_log(cloud: Any, name: str, source: str, handler: str, kind: str) -> None:
    cloud.function(name, source, Handler=handler)
    payload, failed = cloud.invoke(name)
    assert (failed, payload["errorType"]) == ("Unhandled", kind)
    if kind != "Runtime.ExitError":
        assert "Traceback (most recent call last):" in logged(cloud, name)
    else:
        assert "exit status 3" in payload["errorMessage"]


def test_output_of_any_kind_is_log_and_nothing_else(cloud: Any) -> None:
    source = (
        "import logging, os, subprocess, sys\n"
        "def handler(event, context):\n"
        "    print('printed')\n"
        "    logging.getLogger('own').warning('logged')\n"
        "    subprocess.run(['sh', '-c', 'echo from a child; echo \\'{\"status\": \"ok\"}\\''])\n"
        '    os.write(1, b\'{"status": "error", "error": "forged"}\\n\')\n'
        "    print('\\n'.join(['line'] * event))\n"
        "    return 'the result'\n"
    )
    cloud.function("talks", source)
    assert cloud.invoke("talks", 2_000) == ("the result", None)
    assert cloud.invoke("talks", 1) == ("the result", None)
    messages = logged(cloud, "talks")
    assert {"printed", "from a child", '{"status": "ok"}'} <= set(messages)
    assert any(line.startswith("[WARNING]\t") and line.endswith("\tlogged") for line in messages)
    assert messages.count("line") == 2_001


def test_a_timeout_ends_the_function_and_what_it_started(cloud: Any) -> None:
    source = (
        "import subprocess, time\n"
        "def handler(event, context):\n"
        "    child = subprocess.Popen(['sleep', '600'])\n"
        "    print('child', child.pid, context.get_remaining_time_in_millis(), flush=True)\n"
        "    time.sleep(600)\n"
    )
    cloud.function("sleeps", source, Timeout=1)
    payload, failed = cloud.invoke("sleeps")
    assert (failed, payload["errorType"]) == ("Unhandled", "Sandbox.Timedout")
    assert payload["errorMessage"] == "Task timed out after 1.00 seconds"
    _, pid, remaining = next(line for line in logged(cloud, "sleeps") if line.startswith("child")).split()
    assert 0 < int(remaining) <= 1000
    assert not is_alive(int(pid))


def test_results_that_lambda_refuses_are_refused(cloud: Any) -> None:
    cloud.function("unserialisable", "def handler(event, context):\n    return {1, 2}\n")
    assert cloud.invoke("unserialisable")[0]["errorType"] == "Runtime.MarshalError"
    cloud.function("large", "def handler(event, context):\n    return 'x' * 7_000_000\n")
    assert cloud.invoke("large")[0]["errorType"] == "Function.ResponseSizeTooLarge"


def test_the_package_is_read_only_and_keeps_its_modes(cloud: Any) -> None:
    source = (
        "import os, stat\n"
        "def handler(event, context):\n"
        "    root = os.environ['LAMBDA_TASK_ROOT']\n"
        "    return [stat.S_IMODE(os.stat(path).st_mode) for path in (root, f'{root}/app.py')]\n"
    )
    assert cloud.call(source) == [0o500, 0o400]


def test_a_silent_function_answers_at_once(cloud: Any) -> None:
    cloud.function("silent", "def handler(event, context):\n    return event\n")
    cloud.invoke("silent")
    durations = []
    for number in range(20):
        begun = time.perf_counter()
        assert cloud.invoke("silent", number) == (number, None)
        durations.append(time.perf_counter() - begun)
    assert min(durations) < 0.04


MEETING = """
import os, pathlib, time
def handler(event, context):
    folder = pathlib.Path(event[0])
    (folder / str(os.getpid())).touch()
    end = time.monotonic() + 9
    while len(list(folder.iterdir())) < event[1] and time.monotonic() < end:
        time.sleep(0.01)
    return os.getpid()
"""
"""Waits until a folder has as many files as the event says, and has one of its own there."""


def test_two_events_at_once_run_in_two_environments(cloud: Any, tmp_path: Path) -> None:
    cloud.function("parallel", MEETING)
    with ThreadPoolExecutor(2) as pool:
        pids = {payload for payload, _ in pool.map(lambda _: cloud.invoke("parallel", [str(tmp_path), 2]), range(2))}
    assert len(pids) == 2


def test_reserved_concurrency_throttles(cloud: Any, tmp_path: Path) -> None:
    cloud.function("reserved", MEETING)
    cloud.client("lambda").put_function_concurrency(FunctionName="reserved", ReservedConcurrentExecutions=1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(cloud.invoke, "reserved", [str(tmp_path), 2])
        wait_until(lambda: any(tmp_path.iterdir()), 20)
        with pytest.raises(ClientError, match="TooManyRequestsException"):
            cloud.invoke("reserved", [str(tmp_path), 2])
        (tmp_path / "go").touch()
    assert first.result()[1] is None


def test_an_alias_keeps_its_version_while_the_code_moves_on(cloud: Any, package: Any) -> None:
    functions = cloud.client("lambda")
    cloud.function("versions", "def handler(event, context):\n    return 1\n")
    first = functions.publish_version(FunctionName="versions")["Version"]
    functions.create_alias(FunctionName="versions", Name="live", FunctionVersion=first)
    code = package({"app.py": "def handler(event, context):\n    return 2\n"})
    second = functions.update_function_code(FunctionName="versions", ZipFile=code, Publish=True)["Version"]
    assert (cloud.invoke("versions:live")[0], cloud.invoke("versions")[0]) == (1, 2)
    functions.update_alias(FunctionName="versions", Name="live", FunctionVersion=second)
    assert cloud.invoke("versions:live")[0] == 2


def test_a_runtime_of_another_python_is_refused_by_name(cloud: Any, runtime: str) -> None:
    cloud.function("newer", "def handler(event, context): pass\n", Runtime="python3.99")
    payload, failed = cloud.invoke("newer")
    assert (failed, payload["errorType"]) == ("Unhandled", "Runtime.InvalidRuntime")
    assert "python3.99" in payload["errorMessage"]
    assert runtime in payload["errorMessage"]


def test_a_cold_invocation_reports_its_init_in_the_tail_and_in_the_log_group(cloud: Any) -> None:
    cloud.function("slow-start", "import time\ntime.sleep(0.3)\ndef handler(event, context):\n    print('own')\n")
    cold, warm = tail_of(cloud, "slow-start"), tail_of(cloud, "slow-start")
    start, own, end, report = cold.splitlines()
    request_id = start.split()[2]
    assert (own, end) == ("own", f"END RequestId: {request_id}")
    facts = dict(fact.split(": ") for fact in report.removeprefix("REPORT ").strip().split("\t"))
    assert facts["RequestId"] == request_id
    assert 300 < float(facts["Init Duration"].removesuffix(" ms")) < 10_000
    assert float(facts["Duration"].removesuffix(" ms")) < float(facts["Init Duration"].removesuffix(" ms"))
    assert int(facts["Billed Duration"].removesuffix(" ms")) > 300
    assert int(facts["Max Memory Used"].removesuffix(" MB")) > 5
    assert "Init Duration" not in warm
    assert [line for line in logged(cloud, "slow-start") if request_id in line] == [start, end, report]


def test_a_start_that_fails_is_reported_as_such(cloud: Any) -> None:
    cloud.function("no-start", "raise RuntimeError('settings')\n")
    tail = tail_of(cloud, "no-start")
    found = [line for line in tail.splitlines() if line.startswith("INIT_REPORT Init Duration: ")]
    assert [line.split("\t", 1)[1] for line in found] == ["Phase: init\tStatus: error\tError Type: RuntimeError"]
    assert "Init Duration" not in tail.splitlines()[-1]


def tail_of(cloud: Any, name: str) -> str:
    answer = cloud.client("lambda").invoke(FunctionName=name, LogType="Tail")
    return base64.b64decode(answer["LogResult"]).decode()


def logged(cloud: Any, name: str) -> list[str]:
    pages = cloud.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
    return [event["message"] for page in pages for event in page["events"]]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False
