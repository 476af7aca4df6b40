"""The `pocket` command."""

import sys


def main() -> None:
    """Runs the command and exits with its status."""
    try:
        import typer  # noqa: F401  only to find out whether the extra is installed
    except ModuleNotFoundError:
        sys.stderr.write(
            "error: The `pocket` command needs packages that are not installed.\n"
            'hint: Install them with `pip install "django-pocket[cli]"`.\n'
        )
        sys.exit(1)
    from pocket.cli.app import run

    run()
