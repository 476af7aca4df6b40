"""Each operation of a migration is told apart: additive, or destructive and why."""

from __future__ import annotations

import importlib
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from checking import checked
from django import contrib
from django.contrib.postgres.indexes import OpClass
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.core.management import call_command
from django.db import connection, migrations, models
from django.db.migrations.state import ProjectState
from django.db.models.functions import Lower, Now
from django.test import override_settings

from pocket.django.schema_changes import migration_list
from pocket.django.schema_changes.fields import UPSERTED
from pocket.django.schema_changes.labels import CONSTRAINED, HARMLESS, LOST, RENAMED, UNKNOWN, Labeller


@pytest.fixture(scope="module", autouse=True)
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with checked(tmp_path_factory.mktemp("checked")):
        yield


def tables() -> list[Any]:
    """What an earlier release made: a shop with a product and a shelf."""
    return [
        migrations.CreateModel(
            "Shelf", [("id", models.BigAutoField(primary_key=True)), ("code", models.CharField(max_length=8))]
        ),
        migrations.CreateModel(
            "Product",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=20)),
                ("code", models.SlugField(max_length=20)),
                ("note", models.TextField(null=True)),
                ("stock", models.IntegerField(default=0)),
                ("made", models.DateTimeField(db_default=Now())),
                ("shelf", models.ForeignKey("shop.shelf", models.CASCADE)),
                ("shelves", models.ManyToManyField("shop.shelf", related_name="+")),
            ],
            options={"unique_together": {("name", "code")}},
        ),
        migrations.CreateModel("Plain", [("id", models.BigAutoField(primary_key=True))], options={"managed": False}),
        migrations.CreateModel("Priced", [], options={"proxy": True}, bases=("shop.product",)),
    ]


def migration(operations: Sequence[Any], name: str = "0002_change") -> migrations.Migration:
    made = migrations.Migration(name, "shop")
    made.operations = list(operations)
    return made


def reasons(*operations: Any) -> list[str]:
    labeller = Labeller(connection, ProjectState())
    labeller.skip(migration(tables(), "0001_initial"))
    return [reason for _, reason in labeller.label(migration(operations))]


def altered(name: str, field: models.Field[Any, Any]) -> str:
    (reason,) = reasons(migrations.AlterField("product", name, field))
    return reason


class Exotic(migrations.AddField):
    def database_forwards(self, *arguments: Any) -> None:
        raise AssertionError("never run here")


class Plainly(migrations.RemoveField):
    """Another name for Django's."""


class Own(migrations.operations.base.Operation):
    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Changes no state."""


@pytest.mark.parametrize(
    "operation",
    [
        migrations.CreateModel("Till", [("id", models.BigAutoField(primary_key=True))]),
        migrations.AddField("product", "size", models.IntegerField(null=True)),
        migrations.AddField("product", "size", models.IntegerField(db_default=1)),
        migrations.AddField("product", "size", models.IntegerField(null=True, unique=True)),
        migrations.AddField("product", "more", models.ManyToManyField("shop.shelf", related_name="+")),
        migrations.AddIndex("product", models.Index(fields=["name"], name="by_name")),
        migrations.AddIndex("product", models.Index(OpClass(Lower("name"), "text_ops").desc(), name="by_name")),
        migrations.AlterIndexTogether("product", {("name", "stock")}),
        migrations.AlterModelOptions("product", {"ordering": ["name"]}),
        migrations.AlterModelManagers("product", []),
        migrations.AlterModelTableComment("product", "what is sold"),
        migrations.AlterModelTable("product", "shop_product"),
        migrations.RunPython(migrations.RunPython.noop),
        migrations.RunSQL(migrations.RunSQL.noop),
        migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("product", "note")]),
        migrations.AddField("plain", "name", models.TextField()),
        migrations.DeleteModel("Plain"),
        migrations.DeleteModel("Priced"),
    ],
    ids=lambda operation: operation.describe(),
)
def test_additive(operation: Any) -> None:
    assert reasons(operation) == [""]


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (migrations.RemoveField("product", "note"), LOST),
        (Plainly("product", "note"), LOST),
        (migrations.DeleteModel("Product"), LOST),
        (migrations.RenameField("product", "note", "text"), RENAMED),
        (migrations.RenameModel("Shelf", "Rack"), RENAMED),
        (migrations.AlterModelTable("product", "goods"), RENAMED),
        (migrations.AddField("product", "size", models.IntegerField()), "give the field a `db_default=`"),
        (migrations.AddField("product", "size", models.IntegerField(default=3)), "give the field a `db_default=`"),
        (migrations.AddField("product", "size", models.IntegerField(db_default=1, unique=True)), "it is unique"),
        (migrations.AlterOrderWithRespectTo("product", "shelf"), "_order"),
        (migrations.AlterUniqueTogether("product", {("name", "code"), ("name", "stock")}), CONSTRAINED),
        (migrations.AlterUniqueTogether("product", set()), UPSERTED),
        (
            migrations.AddConstraint("product", models.UniqueConstraint(fields=["name"], name="one_name")),
            CONSTRAINED,
        ),
        (migrations.RunPython(lambda apps, editor: None), UNKNOWN),
        (migrations.RunSQL("SELECT 1"), UNKNOWN),
        (Exotic("product", "size", models.IntegerField(null=True)), UNKNOWN),
        (Own(), UNKNOWN),
        (
            migrations.SeparateDatabaseAndState(database_operations=[migrations.RemoveField("product", "note")]),
            f"Remove field note from product: {LOST}",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value.describe(),
)
def test_destructive(operation: Any, reason: str) -> None:
    (found,) = reasons(operation)
    assert reason in found


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("name", models.CharField("what it is called", max_length=20, blank=True, help_text="words alone")),
        ("name", models.CharField(max_length=21)),
        ("name", models.CharField(max_length=20, null=True)),
        ("name", models.CharField(max_length=20, db_index=True)),
        ("name", models.CharField(max_length=20, default="new")),
        ("name", models.CharField(max_length=20, db_default="")),
        ("name", models.TextField()),
        ("code", models.CharField(max_length=20)),
        ("stock", models.BigIntegerField(default=0)),
        ("shelf", models.ForeignKey("shop.shelf", models.PROTECT, related_name="goods")),
        ("shelf", models.ForeignKey("shop.shelf", models.CASCADE, db_constraint=False)),
        ("shelf", models.ForeignKey("shop.shelf", models.SET_NULL, null=True)),
    ],
)
def test_a_field_that_only_widens_is_additive(name: str, field: models.Field[Any, Any]) -> None:
    assert altered(name, field) == ""


@pytest.mark.parametrize(
    ("name", "field", "reason"),
    [
        ("name", models.CharField(max_length=19), "it shortens the column to 19 characters"),
        ("note", models.TextField(), "may write NULL"),
        ("name", models.CharField(max_length=20, unique=True), "may write values twice"),
        ("name", models.CharField(max_length=20, db_column="title"), "it renames the column name"),
        ("stock", models.SmallIntegerField(default=0), "it changes the column's type from integer to smallint"),
        ("note", models.CharField(max_length=9, null=True), "it changes the column's type from text to varchar(9)"),
        ("made", models.DateTimeField(), "relies on the column's default, which is removed"),
        (
            "made",
            models.DateTimeField(auto_now_add=True, null=True),
            "relies on the column's default, which is removed",
        ),
        ("shelf", models.ForeignKey("shop.product", models.CASCADE), "`to` changes"),
        ("shelves", models.ManyToManyField("shop.product"), "the table between the two models"),
        ("name", models.CharField(max_length=20, db_collation="nocase"), "the effect of changing `db_collation`"),
    ],
)
def test_a_field_that_narrows_is_destructive(name: str, field: models.Field[Any, Any], reason: str) -> None:
    assert reason in altered(name, field)


def test_removing_an_index_or_a_constraint_is_additive() -> None:
    index = models.Index(fields=["name"], name="by_name")
    constraint = models.CheckConstraint(condition=models.Q(stock__gte=0), name="counted")
    found = reasons(
        migrations.AddIndex("product", index),
        migrations.RenameIndex("product", new_name="named", old_name="by_name"),
        migrations.RemoveIndex("product", "named"),
        migrations.AddConstraint("product", constraint),
        migrations.RemoveConstraint("product", "counted"),
    )
    assert found == ["", "", "", CONSTRAINED, ""]


def test_a_column_that_keeps_its_name_may_have_its_field_renamed() -> None:
    kept = models.TextField(null=True, db_column="note")
    found = reasons(migrations.RenameField("product", "note", "text"), migrations.AlterField("product", "text", kept))
    assert found[0] == RENAMED
    found = reasons(migrations.AlterField("product", "note", kept), migrations.RenameField("product", "note", "text"))
    assert found == ["", ""]


def test_nothing_is_destructive_on_a_table_that_comes_with_the_same_migrations() -> None:
    found = reasons(
        migrations.CreateModel("Till", [("id", models.BigAutoField(primary_key=True))]),
        migrations.AddField("till", "shelf", models.ForeignKey("shop.shelf", models.CASCADE)),
        migrations.AlterUniqueTogether("till", {("id", "shelf")}),
        migrations.RenameModel("Till", "Desk"),
        migrations.RemoveField("desk", "shelf"),
        migrations.RunSQL("UPDATE shop_desk SET id = id + 1"),
        migrations.DeleteModel("Desk"),
    )
    assert found == ["", "", "", "", "", UNKNOWN, ""]


def test_an_operation_on_a_table_of_another_database_is_additive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.db.router.allow_migrate", lambda *_, **__: False)
    code = migrations.RunPython(lambda apps, editor: None)
    assert reasons(migrations.RemoveField("product", "note"), code, migrations.RunSQL("SELECT 1")) == ["", "", ""]


def listed(*arguments: str) -> Any:
    out = io.StringIO()
    call_command("pocket_migrations", *arguments, stdout=out)
    return json.loads(out.getvalue())


class Broken(models.TextField):
    def db_type(self, connection: Any) -> str | None:
        raise LookupError("no such type here")


class Concurrent(AddIndexConcurrently):
    """Another name for Django's."""


def test_an_operation_that_cannot_be_looked_into_is_not_passed_by() -> None:
    (found,) = reasons(migrations.AddField("product", "odd", Broken(null=True)))
    assert found == f"{UNKNOWN} (LookupError: no such type here)"


def test_an_operation_with_a_mixin_is_labelled_by_its_effect() -> None:
    index = models.Index(fields=["name"], name="by_name")
    named = models.Index(fields=["name"], name="named")
    check = models.CheckConstraint(condition=models.Q(stock__gte=0), name="counted")
    assert reasons(
        AddIndexConcurrently("product", index),
        RemoveIndexConcurrently("product", "by_name"),
        Concurrent("product", named),
        AddConstraintNotValid("product", check),
        ValidateConstraint("product", "counted"),
    ) == ["", "", "", CONSTRAINED, ""]


def test_removing_a_relation_through_a_model_of_its_own_leaves_its_table() -> None:
    place = [("id", models.BigAutoField(primary_key=True)), ("p", models.ForeignKey("shop.product", models.CASCADE))]
    through = migrations.CreateModel("Place", [*place, ("s", models.ForeignKey("shop.shelf", models.CASCADE))])
    field = models.ManyToManyField("shop.shelf", through="shop.place", related_name="+")
    found = reasons(
        through, migrations.AddField("product", "places", field), migrations.RemoveField("product", "places")
    )
    assert found == ["", "", ""]


def test_a_model_that_is_swapped_out_has_no_table(settings_of_user: None) -> None:
    key = ("id", models.BigAutoField(primary_key=True))
    labeller = Labeller(connection, ProjectState())
    labeller.skip(migration([migrations.CreateModel("Person", [key], options={"swappable": "AUTH_USER_MODEL"})]))
    (found,) = labeller.label(migration([migrations.DeleteModel("Person")]))
    assert found[1] == ""


@pytest.fixture
def settings_of_user() -> Iterator[None]:
    with override_settings(AUTH_USER_MODEL="auth.User"):
        yield


def test_the_code_of_djangos_own_migrations_is_known() -> None:
    found = set()
    for path in Path(contrib.__path__[0]).glob("*/migrations/*.py"):
        if "RunPython" in path.read_text():
            module: Any = importlib.import_module(f"django.contrib.{path.parent.parent.name}.migrations.{path.stem}")
            codes = [getattr(operation, "code", None) for operation in module.Migration.operations]
            found |= {f"{code.__module__}.{code.__qualname__}" for code in codes if code is not None}
    assert found == HARMLESS


def test_an_existing_table_is_in_use_regardless_of_the_record() -> None:
    assert not listed()["used"]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE auth_permission (id integer)")
        assert listed()["used"]
        cursor.execute("DROP TABLE auth_permission")


def test_pending_migrations_are_listed_with_their_labels_until_they_are_applied(tmp_path: Path) -> None:
    found = listed()
    assert not found["used"]
    before = found["migrations"]
    assert "auth.0001_initial" in [item["migration"] for item in before]
    assert all(set(item) == {"migration", "operations", "whole"} for item in before)
    first = next(item for item in before if item["migration"] == "auth.0001_initial")
    assert first["operations"][0] == {"operation": "Create model Permission", "reason": ""}
    assert not [one for item in before for one in item["operations"] if UNKNOWN in one["reason"]]
    call_command("migrate", verbosity=0)
    assert listed() == {**found, "migrations": []}


def test_the_known_migrations_are_those_of_the_code() -> None:
    known = listed("--known")
    assert "contenttypes.0001_initial" in known
    assert known == migration_list.known(connection)
    assert listed("--beyond", *known) == []


def test_what_lies_beyond_a_release_is_labelled_whether_it_is_applied_or_not() -> None:
    known = listed("--known")
    newer = "contenttypes.0002_remove_content_type_name"
    (found,) = listed("--beyond", *(name for name in known if name != newer))
    assert found["migration"] == newer
    assert [item["reason"] for item in found["operations"]].count(LOST) == 1
