"""boto3's session and clients of a target, which raise Pocket's errors.

A target with an endpoint of its own is the local AWS, for which the developer's AWS configuration, profile and proxies
are ignored.
"""

from __future__ import annotations

import os
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from boto3.session import Session
from botocore.config import Config
from botocore.loaders import Loader, create_loader
from botocore.session import Session as BotocoreSession

from pocket.deploy.aws.botocore_errors import translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pocket.deploy.target import Target

ATTEMPTS = 5
"""How often a call is tried if AWS is slow, throttles or has an error of its own."""

_NO_FILES = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


def region_of_profile() -> str | None:
    """The region of the AWS CLI's profile; None without one."""
    return Session().region_name


@cache
def _loader(more: str | None) -> Loader:
    """botocore's reader of the descriptions of services, which keeps what it has read: shared by all sessions.

    `more` is where the user has further ones.
    """
    return create_loader(more)


class Connections:
    """The session of a target. Clients that are made may be used from several threads."""

    def __init__(self, target: Target) -> None:
        self._target = target

    @cached_property
    def _session(self) -> Session:
        target, keys = self._target, self._target.credentials
        with_files = BotocoreSession() if target.endpoint_url is None else BotocoreSession(session_vars=_NO_FILES)
        with_files.register_component("data_loader", _loader(with_files.get_config_variable("data_path")))
        return Session(
            botocore_session=with_files,
            region_name=target.region,
            aws_access_key_id=keys.access_key_id if keys is not None else None,
            aws_secret_access_key=keys.secret_access_key if keys is not None else None,
            aws_session_token=keys.session_token if keys is not None else None,
        )

    def client(self, service: str, **more: Any) -> Any:
        """A client of a service; `more` are options of botocore's Config."""
        config = Config(
            connect_timeout=10,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            user_agent_extra="pocket",
        )
        if self._target.endpoint_url is not None:
            config = config.merge(Config(proxies={}, s3={"addressing_style": "path"}))
        if more:
            config = config.merge(Config(**more))
        with translated(service, "client"):
            client: Any = self._session.client(
                service,  # type: ignore[call-overload]
                endpoint_url=self._target.endpoint_url,
                config=config,
            )
        return _Translating(client, service)


class _Translating:
    """A client or paginator whose methods, paginators and pages raise AWSCallFailed."""

    def __init__(self, wrapped: Any, service: str, operation: str = "") -> None:
        self._wrapped = wrapped
        self._service = service
        self._operation = operation

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._wrapped, name)
        return self._calling(found, name) if callable(found) and name != "exceptions" else found

    def _calling(self, method: Callable[..., Any], name: str) -> Callable[..., Any]:
        mapping = getattr(getattr(self._wrapped, "meta", None), "method_to_api_mapping", {})
        operation = self._operation or mapping.get(name, "".join(word.capitalize() for word in name.split("_")))

        def call(*arguments: Any, **named: Any) -> Any:
            with translated(self._service, operation):
                answer = method(*arguments, **named)
            if name in {"get_paginator", "get_waiter"}:
                wanted = arguments[0] if arguments else next(iter(named.values()))
                return _Translating(answer, self._service, mapping.get(wanted, wanted))
            return self._pages(answer) if name == "paginate" else answer

        return call

    def _pages(self, pages: Any) -> Iterator[Any]:
        with translated(self._service, self._operation):
            yield from pages
