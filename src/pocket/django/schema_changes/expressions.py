"""Django expressions that a database can compute for any row, so that no INSERT or UPDATE fails because of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import F, Q

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

_SAFE = frozenset(
    {
        "Case",
        "Coalesce",
        "Collate",
        "Concat",
        "ConcatPair",
        "ExpressionWrapper",
        "Length",
        "Lower",
        "LTrim",
        "OpClass",
        "OrderBy",
        "RTrim",
        "Trim",
        "Upper",
        "Value",
        "When",
    }
)
"""Expressions without arithmetic, conversions and lookups."""

_MODULES = ("django.db.models.", "django.contrib.postgres.indexes")

_ROOMY = frozenset({"BooleanField", "TextField"})
"""Result types that can hold the value of any of those expressions."""


def never_fails(connection: BaseDatabaseWrapper, expression: Any, field: Any = None) -> bool:
    """Whether the expression has a value for every row that the generated `field`, if given, can hold.

    False for unknown expressions.
    """
    if not _is_safe(expression):
        return False
    if field is None or field.output_field.get_internal_type() in _ROOMY:
        return True
    if not isinstance(expression, F):
        return False
    source = field.model._meta.get_field(_name(expression))
    return bool(source.db_type(connection) == field.output_field.db_type(connection))


def _is_safe(expression: Any) -> bool:
    if isinstance(expression, Q):
        return all(
            _is_safe(child) if isinstance(child, Q) else _is_constant(child[1]) if isinstance(child, tuple) else False
            for child in expression.children
        )
    if isinstance(expression, F):
        return "__" not in _name(expression)
    kind = type(expression)
    if kind.__name__ not in _SAFE or not kind.__module__.startswith(_MODULES):
        return False
    inner = [*expression.get_source_expressions()]
    return all(item is None or _is_safe(item) for item in inner)


def _is_constant(value: Any) -> bool:
    return isinstance(value, F) or not hasattr(value, "resolve_expression")


def _name(reference: Any) -> str:
    """The name in an F(), which its type does not declare."""
    return str(reference.name)
