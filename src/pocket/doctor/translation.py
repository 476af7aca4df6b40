"""Translations while modules are imported: `gettext` instead of `gettext_lazy`, or a lazy text used too early."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.doctor import frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocket.doctor.recording import Recorder

_TRANSLATES = ("gettext", "ngettext", "pgettext", "npgettext")
_OF_THE_CALL = ("/django/utils/translation/", "/django/utils/functional.py", "/django/utils/text.py")


class Listener:
    """Records, in `calls`, the stack of each translation by the body of a module or class."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.calls: list[list[frames.Frame]] = []

    def install(self) -> None:
        """Wraps Django's translation functions. Needs settings; does nothing if USE_I18N is False."""
        from django.conf import settings
        from django.utils import translation

        if settings.USE_I18N:
            backend: Any = vars(translation)["_trans"]
            for name in _TRANSLATES:
                setattr(backend, name, self._recording(getattr(backend, name)))

    def _recording(self, translate: Callable[..., str]) -> Callable[..., str]:
        def recording(*args: Any, **kwargs: Any) -> str:
            if self.recorder.importing():
                self._record(frames.here())
            return translate(*args, **kwargs)

        return recording

    def _record(self, stack: list[frames.Frame]) -> None:
        """Records the stack if the project's own code translates, not Django's."""
        for frame in stack:
            if not frames.is_foreign(frame.file):
                break
            if frames.is_django(frame.file) and not any(part in frame.file for part in _OF_THE_CALL):
                return
        if frames.at_import(stack) is not None:
            self.calls.append(stack)
