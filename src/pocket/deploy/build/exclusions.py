"""Patterns of what artifacts leave out: files of tools, data, names that begin with a dot, and secrets by name."""

from __future__ import annotations

BUILD_PRODUCTS = (
    *(".git", ".hg", ".svn", ".venv*/", "venv/", "__pycache__", "*.py[co]", "node_modules", ".pocket", "*.egg-info"),
    *(
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".hypothesis",
        ".tox",
        ".nox",
        ".coverage",
        ".coverage.*",
        "htmlcov",
    ),
)
"""Never part of a wheel or an artifact."""

SETUPTOOLS_LEAVES = ("/build/bdist.*/", "/build/lib/", "/build/lib.*/", "/build/temp.*/")
"""What a build in place leaves in a library's folder: it still has modules that were renamed or removed since."""

OF_TOOLS = (
    *BUILD_PRODUCTS,
    *("/pocket.toml", "/uv.lock", ".DS_Store", ".idea", ".vscode", ".github", ".gitlab*", ".circleci", ".gitignore"),
    *(
        ".gitattributes",
        ".gitmodules",
        ".gitkeep",
        ".keep",
        ".editorconfig",
        ".pre-commit-config.y*ml",
        ".python-version",
    ),
    *(
        ".dockerignore",
        ".flake8",
        ".pylintrc",
        ".prettier*",
        ".eslint*",
        ".stylelint*",
        ".nvmrc",
        ".terraform",
        ".aws-sam",
    ),
    ".ipynb_checkpoints",
)
"""Left out without a note."""

DATA = (
    *("*.sqlite3", "*.sqlite3-*", "*.sqlite", "*.db-journal", "*.db-wal", "*.dump", "*.log", "*.bak"),
    *("/media/", "/dist/", "/build/"),
)
DOTTED = (".*", "!.vite/")
"""Vite writes its manifest, which templates read, into a folder `.vite`."""

NEVER = (".git", ".hg", ".svn", ".pocket")
SECRETS = (
    *(
        ".env*",
        "*.env",
        ".netrc",
        "_netrc",
        ".pypirc",
        ".npmrc",
        ".yarnrc*",
        ".git-credentials",
        ".pgpass",
        "pgpass.conf",
    ),
    *(".my.cnf", ".htpasswd", ".ssh", ".aws", ".azure", ".gcloud", ".docker", ".kube", ".gnupg", ".vault-token"),
    *("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.keytab"),
    *("*.tfstate", "*.tfstate.*", "*.tfvars", "*.tfvars.json"),
)
PACKAGES_DESPITE_THEIR_NAME = ("/media/", "/dist/", "/build/")
