"""A function's execution environment, on the project's Python and with a clean environment.

`Worker` takes the place of MiniStack's class of that name, which runs functions on the emulator's own interpreter with
the emulator's environment. It keeps the attributes that MiniStack's pool reads: `config`, `in_use`, `last_used`,
`_lock`, `_proc`, `_cold` and `_spawn`.
"""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.local.launcher.bootstrap import EVENT, FAILURE, READY, SAVED
from pocket.local.launcher.platform_log import Memory, Times, failed_init, peak_memory, whole_log
from pocket.local.launcher.sandbox import Exited, Sandbox, TimedOut
from pocket.local.launcher.unpacked import remove_tree

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from pocket.local.launcher.activity import Activity
    from pocket.local.launcher.saved_files import SavedFiles

INIT_SECONDS = 10.0
"""AWS's limit for importing the handler, before the function's own timeout begins."""

PAYLOAD_LIMIT = 6 * 1024 * 1024 + 100
"""AWS's limit in bytes for the JSON of a synchronous event or result."""


class InvocationFailed(Exception):
    """`payload` is the error as Lambda reports it."""

    def __init__(self, payload: dict[str, Any]) -> None:
        super().__init__(payload.get("errorMessage"))
        self.payload = payload


@dataclass(frozen=True)
class Runtime:
    """What every worker of one emulator shares."""

    python: Path
    version: str
    """Of `python`, for instance `3.13`."""
    folder: Path
    """The folder of functions' homes and temporary files."""
    endpoint_url: str
    packages: SavedFiles
    credentials: Callable[[dict[str, Any]], dict[str, str]]
    """The variables of the temporary credentials of a function's role, from its configuration."""
    activity: Activity


class Worker:
    """Runs one function version, one event at a time; starts its process when the first event comes."""

    runtime: Runtime
    """Set on the class by `patches`, since MiniStack creates the workers."""

    def __init__(self, func_name: str, config: dict[str, Any], code_zip: bytes) -> None:
        self.func_name = func_name
        self.config = config
        self.code_zip = code_zip
        self.in_use = False
        self.last_used = time.time()
        self._lock = threading.Lock()
        self._cold = True
        self._doomed = False
        self._log = ""
        self._times = Times()
        self._sandbox: Sandbox | None = None
        self._code: Path | None = None
        self._home: Path | None = None
        self._moment = 0

    @property
    def _proc(self) -> subprocess.Popen[bytes] | None:
        return self._sandbox.process if self._sandbox else None

    def invoke(self, event: Any, request_id: str, trace_id: str | None = None) -> dict[str, Any]:
        """MiniStack's record of a finished invocation: `body`, `log`, and `error` where it failed."""
        with self._lock:
            self._log, self._times = "", Times()
            try:
                return {"body": self._answer(event, request_id, trace_id), **self._record_of_log(request_id)}
            except InvocationFailed as failed:
                payload = {**failed.payload, "requestId": request_id}
                return {"body": payload, "error": True, **self._record_of_log(request_id)}
            finally:
                if self._doomed:
                    self._end()

    def start(self) -> None:
        """Start the process before the first event. Raises InvocationFailed."""
        with self._lock:
            self._log = ""
            try:
                self._spawn()
            finally:
                self.runtime.activity.wrote(self.config.get("FunctionName", ""), self._taken_log())

    @property
    def is_current(self) -> bool:
        """Whether the process has the files that a new one would have, or takes them over before its next event."""
        return self._code is not None and self.runtime.packages.is_current(self._code)

    def kill(self, *, now: bool = False) -> None:
        """End the process: at once, or after the current event."""
        self._doomed = True
        sandbox = self._sandbox
        if now and sandbox:
            sandbox.kill()
        # A process that is still starting finds its socket closed and ends by itself.
        if self._lock.acquire(timeout=1.0 if now else 0):
            try:
                self._end()
            finally:
                self._lock.release()

    def _answer(self, event: Any, request_id: str, trace_id: str | None) -> Any:
        timeout = float(self.config.get("Timeout", 3))
        if self._sandbox is None or self._sandbox.ended or not self._takes_over():
            self._spawn()
        call = {
            "event": event,
            "request_id": request_id,
            "arn": self.config.get("FunctionArn", ""),
            "trace_id": trace_id or f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}",
            "deadline": time.time() + timeout,
        }
        begun = time.perf_counter()
        try:
            kind, payload = self._exchange(timeout, json.dumps(call).encode())
        finally:
            self._times.handler = time.perf_counter() - begun
        if kind == FAILURE:
            raise InvocationFailed(json.loads(payload))
        if len(payload) > PAYLOAD_LIMIT:
            message = f"Response payload size exceeded maximum allowed payload size ({PAYLOAD_LIMIT} bytes)."
            raise InvocationFailed({"errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"})
        try:
            return json.loads(payload)
        except ValueError:
            message = "The handler returned bytes that are not JSON."
            raise InvocationFailed({"errorMessage": message, "errorType": "Runtime.MarshalError"}) from None

    def _takes_over(self) -> bool:
        """Whether the process goes on with the files that were saved since its last event."""
        packages, moment = self.runtime.packages, self._moment
        self._moment = packages.moment()
        paths = packages.since(moment, self._code) if self._code else []
        if not paths:
            return True
        try:
            kind, _ = self._exchange(INIT_SECONDS, json.dumps([str(path) for path in paths]).encode(), kind=SAVED)
        except InvocationFailed:
            return False
        return kind == READY

    def _spawn(self) -> None:
        """Start the process and wait until the handler is imported."""
        self._end()
        runtime = self.runtime
        refuse_other_runtime(self.config.get("Runtime", ""), runtime.version)
        try:
            self._moment = runtime.packages.moment()
            self._code = runtime.packages.take(self.code_zip, digest(self.config), self.config)
        except (OSError, zipfile.BadZipFile) as error:
            message = f"The function's package cannot be unpacked: {error}"
            raise InvocationFailed({"errorMessage": message, "errorType": "Runtime.InvalidPackage"}) from error
        self._home = runtime.folder / f"function-{uuid.uuid4().hex[:12]}"
        self._home.mkdir(mode=0o700)
        variables = environment(self.config, runtime, self._code, self._home)
        begun = time.perf_counter()
        self._sandbox = Sandbox([runtime.python, Path(__file__).with_name("bootstrap.py")], variables, self._code)
        self._cold = False
        try:
            kind, payload = self._exchange(INIT_SECONDS + float(self.config.get("Timeout", 3)))
            if kind != READY:
                self._end()
                raise InvocationFailed(json.loads(payload))
        except InvocationFailed as failed:
            line = failed_init(time.perf_counter() - begun, failed.payload["errorType"])
            self._log = f"{self._taken_log()}\n{line}".lstrip("\n")
            raise
        self._times.init = time.perf_counter() - begun

    def _exchange(self, seconds: float, content: bytes | None = None, kind: bytes = EVENT) -> tuple[bytes, bytes]:
        assert self._sandbox  # noqa: S101 — both callers come after `_spawn`
        try:
            return self._sandbox.exchange(seconds, content, kind)
        except TimedOut:
            message, error = f"Task timed out after {seconds:.2f} seconds", "Sandbox.Timedout"
        except Exited as exited:
            message, error = str(exited), "Runtime.ExitError"
        self._end()
        raise InvocationFailed({"errorMessage": message, "errorType": error})

    def _record_of_log(self, request_id: str) -> dict[str, str]:
        """The log with Lambda's own lines; the source marks them for MiniStack."""
        memory = Memory(self.config.get("MemorySize", 128), peak_memory(self._proc.pid if self._proc else None))
        version = self.config.get("Version", "$LATEST")
        text = self._taken_log()
        self.runtime.activity.wrote(self.config.get("FunctionName", ""), text)
        log = whole_log(text, request_id=request_id, version=version, times=self._times, memory=memory)
        return {"log": log, "log_source": "rie"}

    def _taken_log(self) -> str:
        if self._sandbox:
            self._log += self._sandbox.log.decode("utf-8", "replace")
            self._sandbox.log.clear()
        return self._log.rstrip("\n")

    def _end(self) -> None:
        if self._sandbox:
            self._sandbox.end()
            self._taken_log()
        if self._code:
            self.runtime.packages.give_back(self._code)
        if self._home:
            remove_tree(self._home)
        self._sandbox = self._code = self._home = None


def digest(config: dict[str, Any]) -> str:
    """The SHA-256 of the function's package, as its configuration has it; "" where it does not."""
    return base64.b64decode(config.get("CodeSha256", "")).hex()


def refuse_other_runtime(wanted: str, version: str) -> None:
    """Raise InvocationFailed unless `wanted`, as in `python3.13`, is the Python that functions run on."""
    if wanted == f"python{version}":
        return
    message = (
        f"The function has the runtime {wanted or 'of an image'}; the local AWS runs every function on the Python "
        f"that started it, python{version}."
    )
    raise InvocationFailed({"errorMessage": message, "errorType": "Runtime.InvalidRuntime"})


def environment(config: dict[str, Any], runtime: Runtime, code: Path, home: Path) -> dict[str, str]:
    """Every variable of the function: what AWS sets, the function's own, and nothing of the environment of Pocket.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    name, region = config.get("FunctionName", ""), config["FunctionArn"].split(":")[3]
    logging = config.get("LoggingConfig") or {}
    own = (config.get("Environment") or {}).get("Variables") or {}
    return {
        "PATH": f"{runtime.python.parent}:/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "HOME": str(home),
        "TMPDIR": str(home),
        "AWS_ENDPOINT_URL": runtime.endpoint_url,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        **own,
        **runtime.credentials(config),
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{runtime.version}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": logging.get("LogFormat") or "Text",
        "AWS_LAMBDA_LOG_LEVEL": logging.get("ApplicationLogLevel") or "INFO",
        "AWS_LAMBDA_LOG_GROUP_NAME": logging.get("LogGroup") or f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": time.strftime("%Y/%m/%d/[$LATEST]", time.gmtime()) + uuid.uuid4().hex,
        "LAMBDA_TASK_ROOT": str(code),
        "LAMBDA_RUNTIME_DIR": str(Path(__file__).parent),
        "_HANDLER": config.get("Handler", ""),
    }
