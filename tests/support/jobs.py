"""A Django project with one management command that does what it is told, in a folder of its own."""

from __future__ import annotations

from pathlib import Path

from fresh import write_manifest

from pocket.manifest import Handler, Stage

COMMAND = """
import asyncio, codecs, io, logging, os, subprocess, sys, threading, time
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone, translation


class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("words", nargs="*")
        parser.add_argument("--do", default="speak")
        parser.add_argument("--file")
        parser.add_argument("--number", type=int)

    def handle(self, *args, words, do, file, number, **options):
        getattr(self, do)(words, file)

    def speak(self, words, file):
        self.stdout.write("first " + " ".join(words))
        subprocess.run(["sh", "-c", "echo '{\\"status\\":\\"ok\\"}'"], check=True)
        print("printed")
        self.stderr.write("complaint")

    def refuse(self, words, file):
        self.stdout.write("before")
        raise CommandError("not today", returncode=7)

    def crash(self, words, file):
        raise ValueError("boom")

    def leave(self, words, file):
        sys.exit(int(words[0]) if words[0].isdigit() else words[0])

    def ask(self, words, file):
        input("? ")

    def recall(self, words, file):
        self.stdout.write(" ".join(f"{word}={os.environ.get(word)}" for word in words))

    def flood(self, words, file):
        for _ in range(3000):
            self.stdout.write("x" * 999)
        self.stdout.write("the end")

    def leave_traces(self, words, file):
        connection.ensure_connection()
        translation.activate("de")
        timezone.activate("Asia/Tokyo")

    def look(self, words, file):
        self.stdout.write(f"{translation.get_language()} {timezone.get_current_timezone_name()} "
                          f"{connection.connection is None}")

    def note(self, words, file):
        with open(file, "a") as out:
            out.write(words[0] + "\\n")
        if words[0].startswith("bad"):
            raise ValueError(words[0])
        if words[0].startswith("slow"):
            time.sleep(0.3)

    def hang(self, words, file):
        time.sleep(60)

    def cancel(self, words, file):
        async def wait():
            asyncio.current_task().cancel()
            await asyncio.sleep(1)
        asyncio.run(wait())

    def interrupt(self, words, file):
        raise KeyboardInterrupt

    def generator_exit(self, words, file):
        raise GeneratorExit

    def exit(self, words, file):
        sys.exit(eval(words[0]))

    def write_bytes(self, words, file):
        print("text")
        sys.stdout.buffer.write("bytes \u00e9\\n".encode())
        sys.stdout.flush()
        print("more", end="")
        sys.stdout.buffer.write(b", and the end\\n")
        sys.stderr.buffer.write(b"raw complaint\\n")

    def reconfigure(self, words, file):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
        print(chr(0xdcff))

    def rewrap(self, words, file):
        sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding="utf-8")
        sys.stderr = codecs.getwriter("utf-8")(sys.stderr.buffer)
        print("rewrapped " + chr(0xe9))
        sys.stderr.write("complained " + chr(0xe9) + chr(10))

    def close(self, words, file):
        print("last words")
        sys.stdout.close()
        sys.stderr.close()

    def linger(self, words, file):
        logging.getLogger("lingering").addHandler(logging.StreamHandler(sys.stderr))
        thread = threading.Timer(0.1, print, ["from a thread"], {"file": sys.stdout, "flush": True})
        thread.start()

    def log(self, words, file):
        logging.getLogger("lingering").warning("after the end")
        time.sleep(0.3)
        logging.getLogger("jobs").warning("a record")
        print("printed", "in two lines", sep="\\n")
        print('{"level": "odd"}')
        subprocess.run(["echo", "from a child"], check=True)

    def die(self, words, file):
        print("about to die")
        os._exit(9)
"""
SETTINGS = """
import os
from pocket.django.runtime import get_django_settings, set_envs
set_envs()
SECRET_KEY = "x" * 50
INSTALLED_APPS = ["pocket.django", "jobs"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["LAMBDA_TASK_ROOT"] + "/db"}}
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"
vars().update(get_django_settings())
"""
STAGE = Stage(
    stack_name="s",
    handlers={
        "management": Handler("pocket.django.lambda_handlers.management_command_handler", 60),
        "jobs": Handler("pocket.django.lambda_handlers.sqs_management_command_handler", 60, queue=True),
    },
)


def write_project(directory: Path, stage: Stage = STAGE) -> dict[str, str]:
    """Writes the project; the environment that a function of its stage `dev` has."""
    package = directory / "jobs" / "management" / "commands"
    package.mkdir(parents=True)
    for folder in (package, package.parent, package.parent.parent):
        (folder / "__init__.py").touch()
    (package / "job.py").write_text(COMMAND)
    (directory / "jobs_settings.py").write_text(SETTINGS)
    write_manifest(directory, stage)
    return {
        "DJANGO_SETTINGS_MODULE": "jobs_settings",
        "POCKET_STAGE": "dev",
        "POCKET_HOSTS": "",
        "LAMBDA_TASK_ROOT": str(directory),
        "POCKET_JOBS_QUEUEURL": "https://sqs.eu-west-1.amazonaws.com/123456789012/pocket-dev-board-jobs",
    }
