"""What the ENGINE with IAM adds to a connection: the signature of a token, and TLS with a verified certificate.

Connects to a private PostgreSQL in alternation: without TLS, and through a proxy with TLS, with Django's own ENGINE and
with Pocket's. The proxy is of the tests; here it takes any password, so that its check is not measured.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
sys.path[:0] = [str(REPOSITORY / "tests" / "support"), str(REPOSITORY / "src")]


def milliseconds(connection: Any) -> float:
    """How long a new connection takes, with one query."""
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    taken = time.perf_counter() - started
    connection.close()
    return taken * 1000


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    rounds = parser.parse_args().rounds
    import django
    from django.conf import settings
    from django.db.utils import ConnectionHandler
    from postgres import running
    from token_proxy import HOST, KEYS, TokenProxy, certificate

    from pocket.django.configuration.database_urls import entry
    from pocket.runtime import rds

    settings.configure()
    django.setup()
    os.environ.update(KEYS)
    with tempfile.TemporaryDirectory() as folder, running() as postgres:
        files = certificate(Path(folder))
        proxy = TokenProxy(postgres.port, files)
        proxy.accepts = lambda token, user: True  # type: ignore[method-assign]  # see above
        options = {"hostaddr": "127.0.0.1", "sslrootcert": str(files[0])}
        with_iam = entry(f"pocket.django.databases.iam://postgres@{HOST}:{proxy.port}/postgres") or {}
        plain = entry(postgres.url) or {}
        over_tls = {**with_iam, "ENGINE": plain["ENGINE"], "PASSWORD": "x"}
        entries = {
            "default": plain,
            "tls": {**over_tls, "OPTIONS": {**options, "sslmode": "verify-full"}},
            "iam": {**with_iam, "OPTIONS": options},
        }
        handler = ConnectionHandler(entries)
        found: dict[str, list[float]] = {alias: [] for alias in entries}
        for number in range(rounds + 5):
            for alias, times in found.items():
                taken = milliseconds(handler[alias])
                if number >= 5:
                    times.append(taken)
        signing = []
        for _ in range(rounds * 10):
            started = time.perf_counter()
            rds.token(HOST, 5432, "postgres", region="eu-west-1")
            signing.append((time.perf_counter() - started) * 1000)
        proxy.close()
    for alias, what in (("default", "without TLS"), ("tls", "TLS, a password"), ("iam", "TLS, a token of IAM")):
        print(f"{what}: {statistics.median(found[alias]):.2f} ms")
    print(f"the token alone: {statistics.median(signing) * 1000:.0f} microseconds")


if __name__ == "__main__":
    main()
