"""Translations made while modules are imported: `gettext` instead of `gettext_lazy`, or a lazy one used too soon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.doctor import frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocket.doctor.recording import Recorder

_TRANSLATES = ("gettext", "ngettext", "pgettext", "npgettext")
_OF_THE_CALL = ("/django/utils/translation/", "/django/utils/functional.py", "/django/utils/text.py")


class Listener:
    """Keeps, in `calls`, the stack of each translation that a module's or class's body asked for."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.calls: list[list[frames.Frame]] = []

    def install(self) -> None:
        """Listens from now on; needs settings, and does nothing where they switch translation off."""
        from django.conf import settings
        from django.utils import translation

        if settings.USE_I18N:
            backend: Any = vars(translation)["_trans"]
            for name in _TRANSLATES:
                setattr(backend, name, self._listening(getattr(backend, name)))

    def _listening(self, translate: Callable[..., str]) -> Callable[..., str]:
        def listening(*args: Any, **kwargs: Any) -> str:
            if self.recorder.importing():
                self._note(frames.here())
            return translate(*args, **kwargs)

        return listening

    def _note(self, stack: list[frames.Frame]) -> None:
        """Keeps the stack if the project's own code asked, not Django on the way to something else."""
        for frame in stack:
            if not frames.is_foreign(frame.file):
                break
            if frames.is_django(frame.file) and not any(part in frame.file for part in _OF_THE_CALL):
                return
        if frames.at_import(stack) is not None:
            self.calls.append(stack)
