"""The issues of a recorded start: queries, translations, app configurations, the admin, and its failure."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pocket.doctor import catalogue, causes, frames, sources
from pocket.doctor.catalogue import issue
from pocket.doctor.driver import READY, SETTINGS
from pocket.doctor.origins import Origins
from pocket.doctor.serving import API, API_REQUEST, REQUEST, serves_pages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pocket.doctor.driver import Start
    from pocket.doctor.queries import Query
    from pocket.doctor.report.model import Issue

_LAZY_TEXT = "/django/utils/functional.py"
ADMIN = "django.contrib.admin"
_MAY_QUERY = {REQUEST, API, API_REQUEST}
"""The phases in which functions may query: requests, and an API's lifespan, which may fill its caches."""


def diagnose(start: Start) -> list[Issue]:
    """The issues of `start`, without duplicates, ordered by place."""
    files = settings_files(start)
    found = [*_queries(start), *_translations(start), *_configs(start), *_admin(start, files)]
    known = {(item.file, item.line) for item in found}
    failed = causes.explain(start, files)
    if failed is not None and not _follows(start, failed, known):
        found.append(failed)
    unique = {(item.id, item.file, item.line): item for item in found}
    return sorted(unique.values(), key=lambda item: (item.file, item.line, item.id))


def settings_files(start: Start) -> list[str]:
    """The settings module's file, then the files of the project's modules that it imports."""
    phase = next((root for root in start.recorder.roots if root.name == SETTINGS), None)
    stretches = [*phase.children] if phase else []
    files = []
    while stretches:
        stretch = stretches.pop(0)
        file = getattr(sys.modules.get(stretch.name), "__file__", None)
        if file and not frames.is_foreign(file):
            files.append(file)
        stretches = [*stretch.children, *stretches]
    return files


def _follows(start: Start, failed: Issue, known: set[tuple[str, int]]) -> bool:
    """Whether the failure is the consequence of another issue: it has the same place, or is below it in the stack."""
    if failed.id in {catalogue.START_FAILED, catalogue.REGISTRY_NOT_READY}:
        stack = frames.of_traceback(start.failure.__traceback__) if start.failure else []
        return any((frame.file, frame.line) in known for frame in stack)
    return (failed.file, failed.line) in known


def _queries(start: Start) -> Iterator[Issue]:
    for query in start.database.queries:
        place = frames.at_import(query.stack) if query.at_import else None
        if place is not None:
            in_choices = sources.fills_choices(place.file, place.line)
            identity = catalogue.QUERY_IN_CHOICES if in_choices else catalogue.QUERY_AT_IMPORT
            yield issue(identity, f"Importing this module queries: {query.sql}", place, _way(query, place))
        elif query.phase not in _MAY_QUERY:
            yield from _in_function(query)


def _in_function(query: Query) -> Iterator[Issue]:
    mine = frames.own(query.stack)
    if not mine:
        return
    ready = next((frame for frame in mine if frame.name == "ready"), None)
    identity = catalogue.QUERY_IN_READY if query.phase == READY else catalogue.QUERY_AT_START
    place = ready or mine[-1]
    yield issue(identity, f"{query.phase} queries: {query.sql}", place, _way(query, place))


def _way(query: Query, place: frames.Frame) -> list[str]:
    """The frames from the cause to the line that queries, if that is another one."""
    way = []
    for frame in frames.own(query.stack):
        if (frame.file, frame.line) == (place.file, place.line):
            break
        way.append(f"{frame.file}:{frame.line} in {frame.name}")
    return way[::-1]


def _translations(start: Start) -> Iterator[Issue]:
    """Texts that the project's own modules translate, not those of packages."""
    origins = Origins()
    for stack in start.translation.calls:
        place = frames.at_import(stack)
        if place is None or origins.is_installed(place.file):
            continue
        message = "The text is translated once, when the module is imported, and not in each request's language."
        found = issue(catalogue.GETTEXT_AT_IMPORT, message, place)
        lazy = any(frame.file.endswith(_LAZY_TEXT) for frame in stack)
        yield replace(found, hint=catalogue.LAZY_USED) if lazy else found


def _configs(start: Start) -> Iterator[Issue]:
    """Apps whose module has several AppConfigs, of which Django silently uses none."""
    from django.apps import AppConfig, apps

    for config in apps.app_configs.values():
        module = sys.modules.get(f"{config.name}.apps")
        if type(config) is AppConfig and module is not None and not frames.is_foreign(module.__file__ or ""):
            names = causes.candidates(module)
            if len(names) > 1 and any(getattr(module, name).name == config.name for name in names):
                message = (
                    f"{config.name}: Django does not choose any of {', '.join(names)}, and uses a plain AppConfig."
                )
                yield causes.several_configs(config.name, message)


def _admin(start: Start, files: Sequence[str]) -> Iterator[Issue]:
    """The admin's autodiscovery, if the URLconf has no admin or no handler of the stage serves the URLconf."""
    from django.apps import apps

    if not apps.ready or not start.site.answers or not apps.is_installed(ADMIN):
        return
    from django.contrib.admin.apps import AdminConfig

    config = next(config for config in apps.get_app_configs() if config.name == ADMIN)
    if not isinstance(config, AdminConfig):
        return
    commands = start.served.commands
    if commands and not any(map(serves_pages, commands)):
        why = "No handler of the stage serves the project's pages"
    elif not _serves_admin():
        why = "The URLconf serves no admin"
    else:
        return
    phase = next(root for root in start.recorder.roots if root.name == READY)
    spent = sum(item.ended - item.started for item in phase.children if item.name == ADMIN) * 1000
    path = f"{type(config).__module__}.{type(config).__qualname__}"
    places = (sources.find_text(files, entry) for entry in (ADMIN, path))
    file, line = next((place for place in places if place[1]), (files[0] if files else "", 0))
    message = f"{why}, but each start imports the admin modules of all apps: {spent:.0f} ms."
    yield issue(catalogue.ADMIN_UNSERVED, message, file=file, line=line)


def _serves_admin() -> bool:
    from django.urls import get_resolver

    resolvers: list[Any] = [get_resolver()]
    while resolvers:
        resolver = resolvers.pop()
        if resolver.app_name == "admin":
            return True
        resolvers += [item for item in resolver.url_patterns if hasattr(item, "url_patterns")]
    return False
