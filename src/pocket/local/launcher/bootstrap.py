"""A function's own process: imports the handler, then answers one event after another.

A plain script for a bare interpreter, run by `worker`. Events and results travel over a socket, so whatever the
handler or its children write to standard output or error is log and nothing else. The shapes of the context object,
of an error and of the log's lines follow AWS's Python runtime
(https://docs.aws.amazon.com/lambda/latest/dg/python-context.html, python-exceptions.html, python-logging.html).
"""

import importlib
import json
import logging
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from types import SimpleNamespace
from typing import Any

FRAME = struct.Struct("!cI")
"""A frame's head: its kind and the length of its JSON."""

STATIC_MANIFEST = "staticfiles.json"
"""Django's map of static files to their hashed names."""

READY, RESULT, FAILURE, EVENT, SAVED = b"I", b"R", b"E", b"V", b"S"


class Channel:
    """Whole frames over the socket that `worker` handed over."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(True)
        os.set_inheritable(descriptor, False)

    def receive(self) -> tuple[bytes, Any]:
        """The kind and the content of the next frame; ends the process when the emulator has closed its end."""
        kind, length = FRAME.unpack(self._exactly(FRAME.size))
        return kind, json.loads(self._exactly(length))

    def send(self, kind: bytes, payload: bytes) -> None:
        self._socket.sendall(FRAME.pack(kind, len(payload)) + payload)

    def end_with_the_emulator(self) -> None:
        """From a thread of its own, so that a busy handler ends too; its children share its process group."""
        poller = select.poll()
        # A descriptor that the end of the interpreter does not close, which would look like the emulator's end.
        poller.register(os.dup(self._socket.fileno()), select.POLLHUP)

        def watch() -> None:
            poller.poll()
            os.killpg(os.getpgrp(), signal.SIGKILL)

        threading.Thread(target=watch, daemon=True, name="lifeline").start()

    def _exactly(self, length: int) -> bytes:
        parts = []
        while length:
            part = self._socket.recv(min(length, 1 << 20))
            if not part:
                raise SystemExit(0)
            parts.append(part)
            length -= len(part)
        return b"".join(parts)


class Context:
    """What AWS's runtime passes as the handler's second argument."""

    def __init__(self, call: dict[str, Any]) -> None:
        self.aws_request_id = call["request_id"]
        self.invoked_function_arn = call["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        self.client_context = None
        self._deadline = call["deadline"]

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.time()) * 1000))

    def log(self, message: Any) -> None:
        sys.stdout.write(str(message))


class LogFormatter(logging.Formatter):
    """The lines of AWS's root handler, as text or, where the function is configured so, as JSON."""

    request_id = ""

    def format(self, record: logging.LogRecord) -> str:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        if os.environ.get("AWS_LAMBDA_LOG_FORMAT") != "JSON":
            line = f"[{record.levelname}]\t{stamp}.{int(record.msecs):03d}Z\t{self.request_id}\t{record.getMessage()}"
            return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line
        entry = {
            "timestamp": f"{stamp}Z",
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": self.request_id,
        }
        if record.exc_info:
            entry["stackTrace"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def set_up_logging() -> LogFormatter:
    formatter = LogFormatter()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.getLogger().addHandler(handler)
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON":
        logging.getLogger().setLevel(os.environ.get("AWS_LAMBDA_LOG_LEVEL", "INFO"))
    return formatter


def failure(kind: str, message: str, error: BaseException | None = None, request_id: str = "") -> bytes:
    """The error's payload, after its traceback is logged."""
    trace = traceback.extract_tb(error.__traceback__) if error else []
    own = [frame for frame in trace if frame.filename != __file__]
    described = "".join(traceback.format_exception(error)) if error else ""
    sys.stderr.write(f"[ERROR] {kind}: {message}\n{described}")
    payload = {"errorMessage": message, "errorType": kind, "requestId": request_id}
    return json.dumps({**payload, "stackTrace": traceback.format_list(own)}).encode()


def load_handler(name: str) -> Any:
    """The callable `module.function`; raises what its import raises."""
    module, _, function = name.replace("/", ".").rpartition(".")
    return getattr(importlib.import_module(module), function)


def initialise(channel: Channel, name: str) -> Any:
    """The handler; where it cannot be loaded, reports the failure and ends the process."""
    try:
        handler = load_handler(name)
    except ImportError as error:
        module = name.rpartition(".")[0]
        channel.send(
            FAILURE, failure("Runtime.ImportModuleError", f"Unable to import module '{module}': {error}", error)
        )
    except AttributeError as error:
        missing = f"Handler '{name.rpartition('.')[2]}' missing on module '{name.rpartition('.')[0]}'"
        own = f"module '{name.rpartition('.')[0]}' has no attribute" in str(error)
        kind = ("Runtime.HandlerNotFound", missing) if own else ("AttributeError", str(error))
        channel.send(FAILURE, failure(*kind, error))
    except ValueError as error:
        channel.send(FAILURE, failure("Runtime.MalformedHandlerName", f"Bad handler '{name}': {error}", error))
    except Exception as error:  # noqa: BLE001 — the project's own code may raise anything while it is imported
        channel.send(FAILURE, failure(type(error).__name__, str(error), error))
    else:
        channel.send(READY, b"")
        return handler
    raise SystemExit(1)


def answer(handler: Any, call: dict[str, Any]) -> tuple[bytes, bytes]:
    """The kind and the payload of the response's frame."""
    request_id = call["request_id"]
    try:
        result = handler(call["event"], Context(call))
    except Exception as error:  # noqa: BLE001 — what a handler raises is its result
        return FAILURE, failure(type(error).__name__, str(error), error, request_id)
    if isinstance(result, bytes | bytearray):
        return RESULT, bytes(result)
    try:
        return RESULT, json.dumps(result).encode()
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        return FAILURE, failure("Runtime.MarshalError", message, error, request_id)


def takes_over_static_files() -> bool:
    """Whether Django has read the map of hashed names again, if it has read it at all."""
    module = sys.modules.get("django.contrib.staticfiles.storage")
    if module is None:
        return True
    storage = module.staticfiles_storage
    if not hasattr(storage, "load_manifest"):
        return False
    storage.hashed_files, storage.manifest_hash = storage.load_manifest()
    return True


def takes_over(paths: list[str]) -> bool:
    """Whether this process goes on with the files that were saved, in the way of Django's `runserver`.

    Django then forgets what it made of templates and translations. For any other file a new process is needed.
    """
    from pathlib import Path

    reloading = sys.modules.get("django.utils.autoreload")
    file_changed = getattr(reloading, "file_changed", None)

    def handles(path: Path) -> bool:
        if path.name == STATIC_MANIFEST:
            return takes_over_static_files()
        return file_changed is not None and any(
            handled for _, handled in file_changed.send(sender=None, file_path=path)
        )

    try:
        return all(handles(Path(path)) for path in paths)
    except Exception:  # noqa: BLE001 - a receiver of the project may raise anything, and a new process is always right
        traceback.print_exc()
        return False


def main() -> None:
    """Serve until the emulator closes its end."""
    channel = Channel(int(sys.argv[1]))
    channel.end_with_the_emulator()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    formatter = set_up_logging()
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    handler = initialise(channel, os.environ["_HANDLER"])
    while True:
        kind, call = channel.receive()
        if kind == SAVED:
            channel.send(READY if takes_over(call) else FAILURE, b"")
            continue
        formatter.request_id = call["request_id"]
        os.environ["_X_AMZN_TRACE_ID"] = call["trace_id"]
        kind, payload = answer(handler, call)
        sys.stdout.flush()
        sys.stderr.flush()
        channel.send(kind, payload)


if __name__ == "__main__":
    main()
