"""The issues by id: a title, and the solution from Django's documentation of the app registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocket.doctor.report.model import Issue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pocket.doctor.frames import Frame

MODELS_IN_PHASE_ONE = "models-in-phase-one"
QUERY_AT_IMPORT = "query-at-import"
QUERY_IN_CHOICES = "query-in-form-choices"
QUERY_IN_READY = "query-in-ready"
QUERY_AT_START = "query-at-start"
GETTEXT_AT_IMPORT = "gettext-at-import"
REGISTRY_NOT_READY = "registry-not-ready"
NO_SETUP = "script-without-setup"
CIRCULAR_IMPORT = "circular-import"
NOT_IDEMPOTENT = "ready-not-idempotent"
DUPLICATE_LABEL = "duplicate-label"
DUPLICATE_NAME = "duplicate-name"
SEVERAL_CONFIGS = "several-configs"
NAMESPACE_WITHOUT_PATH = "namespace-without-path"
ADMIN_UNSERVED = "admin-unserved"
START_FAILED = "start-failed"

_LATER = "Move the code into a function that runs when its result is first needed, and cache that result."

LAZY_USED = (
    "The text is lazy, but this line uses it: %, +, format() and f-strings translate it at once. Use "
    "format_lazy() or ngettext_lazy(), or build the text where it is shown."
)

CATALOGUE: dict[str, tuple[str, str]] = {
    MODELS_IN_PHASE_ONE: (
        "Models are imported in phase one",
        (
            "Neither the app's root package nor the module of its AppConfig may import models, not even indirectly: "
            "import them inside ready(), or get them there from self.get_model()."
        ),
    ),
    QUERY_AT_IMPORT: ("A query runs while a module is imported", _LATER),
    QUERY_IN_CHOICES: (
        "A form field's choices are queried while its module is imported",
        "Use ModelChoiceField(queryset=...), whose query runs when the form is shown, or give `choices` a callable.",
    ),
    QUERY_IN_READY: (
        "A query runs in ready()",
        (
            "ready() runs at the start of every process and every management command, against the real database even "
            f"for `manage.py test`: it must not touch the database. {_LATER}"
        ),
    ),
    QUERY_AT_START: ("A query runs while the application is built", _LATER),
    GETTEXT_AT_IMPORT: (
        "A text is translated while its module is imported",
        "Use gettext_lazy() instead of gettext(): the text is then translated for each request, in its language.",
    ),
    REGISTRY_NOT_READY: (
        "The app registry is used before it is ready",
        f"Use the registry only after django.setup(). {_LATER}",
    ),
    NO_SETUP: (
        "A script uses models without django.setup()",
        "Call django.setup() after DJANGO_SETTINGS_MODULE is set and before anything imports a model.",
    ),
    CIRCULAR_IMPORT: (
        "Modules import each other in a circle",
        (
            "Reduce the dependencies between model modules: refer to a model by its label ('app.Model'), or import "
            "inside the function that needs the name."
        ),
    ),
    NOT_IDEMPOTENT: (
        "ready() is not idempotent",
        (
            "ready() may be called more than once: register module-level functions, give signals a dispatch_uid, or "
            "keep a flag on the AppConfig that prevents a second run."
        ),
    ),
    DUPLICATE_LABEL: (
        "Two apps have the same label",
        (
            "Give one of them an AppConfig with a `label` of its own. A label is part of table names and migrations, "
            "so change that of the app without applied migrations."
        ),
    ),
    DUPLICATE_NAME: (
        "One app is installed twice",
        "An app's name is unique in a project: keep one of the entries in INSTALLED_APPS.",
    ),
    SEVERAL_CONFIGS: (
        "Several AppConfigs without exactly one default",
        (
            "Set default = True on the one that Django is to choose (or default = False on the others), or name a "
            "class by its dotted path in INSTALLED_APPS."
        ),
    ),
    NAMESPACE_WITHOUT_PATH: (
        "A namespace package without a path",
        (
            "Add __init__.py if it is missing by mistake, or give the app an AppConfig whose `path` is the absolute "
            "path of the one folder to take templates and static files from."
        ),
    ),
    ADMIN_UNSERVED: (
        "Functions that serve no admin import the admin modules",
        "Install 'django.contrib.admin.apps.SimpleAdminConfig' instead of 'django.contrib.admin', or leave it out.",
    ),
    START_FAILED: ("The start fails", "Fix the error in the last line of the traceback."),
}


def issue(
    identity: str,
    message: str,
    place: Frame | None = None,
    details: Iterable[str] = (),
    *,
    file: str = "",
    line: int = 0,
) -> Issue:
    """An issue of the catalogue at `place`, or at `file` and `line`."""
    title, hint = CATALOGUE[identity]
    if place is not None:
        file, line = place.file, place.line
    return Issue(identity, title, message, hint, file, line, tuple(details))
