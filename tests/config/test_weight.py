"""What reading the file costs: no AWS library, no Django, and no network."""

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "board" / "pocket.toml"

READ_WITHOUT_NETWORK = """
import socket, sys
from pathlib import Path

def refuse(*_, **__):
    raise AssertionError("the network was asked for")

socket.socket = socket.getaddrinfo = socket.create_connection = refuse
from pocket import config
config.build_manifest(config.load(Path(sys.argv[1]))).to_json()
config.json_schema()
heavy = {"boto3", "botocore", "django", "cfnlint", "typer", "rich", "urllib3", "requests"} & sys.modules.keys()
assert not heavy, heavy
"""


def test_neither_reading_nor_building_the_manifest_loads_an_aws_library_or_opens_a_socket() -> None:
    command = [sys.executable, "-c", READ_WITHOUT_NETWORK, str(EXAMPLE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
