"""Operations of migrations, with the tables that they change, the rows that are there, and what they may break.

Where a database numbers no default into a row, keeps no type or no length, as SQLite, an operation breaks nothing that
breaks a release elsewhere; it is called destructive there as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    BtreeGinExtension,
    RemoveIndexConcurrently,
)
from django.db import migrations, models
from django.db.models import F, Q, Value
from django.db.models.functions import Cast, Collate, Lower
from old_release import Row

SQLITE, POSTGRESQL = "sqlite", "postgresql"
ON_SQLITE, ON_POSTGRESQL = frozenset({SQLITE}), frozenset({POSTGRESQL})
BOTH = ON_SQLITE | ON_POSTGRESQL
NONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Case:
    """An operation on the table `product`, which the old release has with `fields` and fills with `rows`.

    `destructive` are the databases on which it is one; `cautious` those of them where nothing breaks here all the same.
    """

    name: str
    operations: Sequence[Any]
    destructive: frozenset[str] = NONE
    fields: dict[str, Any] = field(default_factory=dict)
    rows: Sequence[Row] = ({},)
    later: Sequence[Row] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    cautious: frozenset[str] = NONE
    on: frozenset[str] = BOTH


def alter(name: str, before: Any, after: Any, values: Sequence[Any], **more: Any) -> Case:
    """A field `a` that changes; the values are written before, and again after."""
    rows = [{"a": value} for value in values]
    return Case(name, [migrations.AlterField("product", "a", after)], fields={"a": before}, rows=rows, **more)


def add(name: str, new: Any, **more: Any) -> Case:
    return Case(name, [migrations.AddField("product", "b", new)], **{"rows": [{}, {}], **more})


def index(*expressions: Any, **more: Any) -> models.Index:
    return models.Index(*expressions, name="by_a", **more)


TEXT = {"a": models.TextField()}
CHAR = models.CharField(max_length=20)
CODES = {"a": models.IntegerField(), "c": models.IntegerField()}
UNIQUE = models.UniqueConstraint(fields=["a"], name="one_a")
NUMBERED = [{"a": 1, "c": 1}, {"a": 2, "c": 1}]
SHELF = models.ForeignKey("shop.shelf", models.CASCADE)
LINKED = {"a": models.ForeignKey("shop.shelf", models.CASCADE)}

CASES = [
    # A table, or a field, that comes.
    Case(
        "create model",
        [
            migrations.CreateModel(
                "Till",
                [
                    ("id", models.BigAutoField(primary_key=True)),
                    ("p", models.ForeignKey("shop.product", models.CASCADE)),
                ],
            )
        ],
    ),
    add("add nullable", models.IntegerField(null=True)),
    add("add nullable unique", models.IntegerField(null=True, unique=True)),
    add("add nullable unique with default", models.IntegerField(null=True, unique=True, default=3), destructive=BOTH),
    add("add with db_default", models.IntegerField(db_default=1)),
    add("add unique with db_default", models.IntegerField(db_default=1, unique=True), destructive=BOTH),
    add("add without default", models.IntegerField(default=0), destructive=BOTH),
    add("add text without default", models.TextField(default=""), destructive=BOTH),
    add("add date of the moment", models.DateTimeField(auto_now_add=True), destructive=BOTH),
    add("add nullable foreign key", models.ForeignKey("shop.shelf", models.CASCADE, null=True)),
    add(
        "add foreign key with db_default",
        models.ForeignKey("shop.shelf", models.CASCADE, db_default=77),
        destructive=BOTH,
    ),
    add("add nullable one to one", models.OneToOneField("shop.shelf", models.CASCADE, null=True)),
    add("add many to many", models.ManyToManyField("shop.shelf", related_name="+")),
    add("add nullable positive", models.PositiveIntegerField(null=True)),
    add("add nullable json", models.JSONField(null=True)),
    add(
        "add generated copy of a text",
        models.GeneratedField(expression=Lower("a"), output_field=models.TextField(), db_persist=True),
        fields=TEXT,
        rows=[{"a": "Ä"}, {"a": ""}],
    ),
    add(
        "add generated that is unique",
        models.GeneratedField(
            expression=Lower("a"), output_field=models.TextField(unique=True), db_persist=True, unique=True
        ),
        fields=TEXT,
        rows=[{"a": "x"}],
        later=[{"a": "X"}],
        destructive=BOTH,
    ),
    add(
        "add generated that fails",
        models.GeneratedField(expression=Value(100) / F("a"), output_field=models.IntegerField(), db_persist=True),
        fields={"a": models.IntegerField()},
        rows=[{"a": 1}],
        later=[{"a": 0}],
        destructive=BOTH,
        cautious=ON_SQLITE,
    ),
    add(
        "add generated that overflows",
        models.GeneratedField(expression=F("a") + F("a"), output_field=models.IntegerField(), db_persist=True),
        fields={"a": models.IntegerField()},
        rows=[{"a": 1}],
        later=[{"a": 2147483647}],
        destructive=BOTH,
        cautious=ON_SQLITE,
    ),
    add(
        "add generated condition",
        models.GeneratedField(
            expression=models.ExpressionWrapper(Q(a__gt=3), output_field=models.BooleanField()),
            output_field=models.BooleanField(),
            db_persist=True,
        ),
        fields={"a": models.IntegerField()},
        rows=[{"a": 1}, {"a": 2147483647}],
    ),
    # A table, or a field, that goes or has another name.
    Case("remove field", [migrations.RemoveField("product", "a")], BOTH, TEXT, [{"a": "x"}]),
    Case(
        "remove many to many",
        [migrations.RemoveField("product", "a")],
        BOTH,
        {"a": models.ManyToManyField("shop.shelf")},
    ),
    Case("rename field", [migrations.RenameField("product", "a", "b")], BOTH, TEXT, [{"a": "x"}]),
    Case(
        "rename field, not its column",
        [
            migrations.AlterField("product", "a", models.TextField(db_column="a")),
            migrations.RenameField("product", "a", "b"),
        ],
        NONE,
        TEXT,
        [{"a": "x"}],
    ),
    Case("delete model", [migrations.DeleteModel("Product")], BOTH),
    Case("rename model", [migrations.RenameModel("Product", "Good")], BOTH),
    Case("rename table", [migrations.AlterModelTable("product", "goods")], BOTH),
    Case("keep table", [migrations.AlterModelTable("product", "shop_product")]),
    # Numbers.
    alter("integer to big", models.IntegerField(), models.BigIntegerField(), [-5, 2147483647]),
    alter("small to integer", models.SmallIntegerField(), models.IntegerField(), [-5, 32767]),
    alter(
        "integer to small",
        models.IntegerField(),
        models.SmallIntegerField(),
        [2147483647],
        destructive=BOTH,
        cautious=ON_SQLITE,
    ),
    alter("integer to positive", models.IntegerField(), models.PositiveIntegerField(), [-5], destructive=BOTH),
    alter("big to positive big", models.BigIntegerField(), models.PositiveBigIntegerField(), [-5], destructive=BOTH),
    alter("positive to integer", models.PositiveIntegerField(), models.IntegerField(), [0, 2147483647]),
    alter("positive to big", models.PositiveIntegerField(), models.BigIntegerField(), [0, 2147483647]),
    alter("positive to positive big", models.PositiveIntegerField(), models.PositiveBigIntegerField(), [0, 2147483647]),
    alter(
        "decimal with more digits",
        models.DecimalField(max_digits=4, decimal_places=2),
        models.DecimalField(max_digits=7, decimal_places=3),
        [Decimal("99.99"), Decimal("-0.01")],
    ),
    alter(
        "decimal with fewer digits",
        models.DecimalField(max_digits=6, decimal_places=2),
        models.DecimalField(max_digits=4, decimal_places=2),
        [Decimal("9999.99")],
        destructive=ON_POSTGRESQL,
    ),
    alter("integer to float", models.IntegerField(), models.FloatField(), [5], destructive=BOTH, cautious=BOTH),
    alter("integer to text", models.IntegerField(), models.TextField(), [5], destructive=BOTH),
    alter(
        "boolean to integer",
        models.BooleanField(),
        models.IntegerField(),
        [True],
        destructive=BOTH,
        cautious=ON_SQLITE,
    ),
    # Texts.
    alter("longer text", CHAR, models.CharField(max_length=21), ["x" * 20]),
    alter(
        "shorter text",
        CHAR,
        models.CharField(max_length=19),
        ["x" * 20],
        destructive=BOTH,
        cautious=ON_SQLITE,
    ),
    alter("char to text", CHAR, models.TextField(), ["x" * 20]),
    alter("slug to char", models.SlugField(max_length=20), CHAR, ["x" * 20]),
    alter("char to email", models.CharField(max_length=254), models.EmailField(), ["x" * 254]),
    alter("file to longer file", models.FileField(), models.FileField(max_length=200), ["x" * 100]),
    alter("file elsewhere", models.FileField(upload_to="a"), models.FileField(upload_to="b"), ["x"]),
    alter("text to json", models.TextField(), models.JSONField(), ["no json"], destructive=BOTH),
    alter(
        "json to text",
        models.JSONField(),
        models.TextField(),
        [{"x": 1}],
        destructive=ON_POSTGRESQL,
        cautious=ON_POSTGRESQL,
    ),
    alter("char to date", CHAR, models.DateField(), ["never"], destructive=BOTH),
    alter("date to moment", models.DateField(), models.DateTimeField(), [date(2026, 1, 1)], destructive=BOTH),
    # What may be there: NULL, the same twice, a default.
    alter("null allowed", models.IntegerField(), models.IntegerField(null=True), [5]),
    alter("null refused", models.IntegerField(null=True), models.IntegerField(default=0), [None], destructive=BOTH),
    alter("unique", models.IntegerField(), models.IntegerField(unique=True), [5, 6], destructive=BOTH),
    alter(
        "no longer unique",
        models.IntegerField(unique=True),
        models.IntegerField(),
        [5],
        later=[{"a": 6}],
        destructive=BOTH,
    ),
    alter("index", models.IntegerField(), models.IntegerField(db_index=True), [5]),
    alter("no index", models.IntegerField(db_index=True), models.IntegerField(), [5]),
    alter("default of Django", models.IntegerField(), models.IntegerField(default=3), [5]),
    alter("db_default comes", models.IntegerField(), models.IntegerField(db_default=3), [5]),
    replace(
        alter(
            "db_default changes",
            models.IntegerField(db_default=3),
            models.IntegerField(db_default=4),
            [],
            destructive=BOTH,
            cautious=ON_SQLITE,
        ),
        rows=[{}],
    ),
    replace(
        alter(
            "db_default goes",
            models.IntegerField(db_default=3),
            models.IntegerField(),
            [],
            destructive=BOTH,
            cautious=ON_SQLITE,
        ),
        rows=[{}],
    ),
    replace(
        alter(
            "db_default goes, null allowed",
            models.IntegerField(db_default=3),
            models.IntegerField(null=True),
            [],
            destructive=BOTH,
            cautious=ON_SQLITE,
        ),
        rows=[{}],
    ),
    alter("comment", models.IntegerField(), models.IntegerField(db_comment="how many"), [5]),
    alter("column", models.IntegerField(), models.IntegerField(db_column="amount"), [5], destructive=BOTH),
    # References.
    replace(
        alter("one to one", SHELF, models.OneToOneField("shop.shelf", models.CASCADE), [], destructive=BOTH),
        rows=[{"a_id": 1}],
        later=[{"a_id": 1}],
    ),
    replace(
        alter("one to one goes", models.OneToOneField("shop.shelf", models.CASCADE), SHELF, [], destructive=BOTH),
        rows=[{"a_id": 1}],
        later=[{"a_id": 2}],
    ),
    replace(alter("other deletion", SHELF, models.ForeignKey("shop.shelf", models.PROTECT), []), rows=[{"a_id": 1}]),
    replace(
        alter("no constraint", SHELF, models.ForeignKey("shop.shelf", models.CASCADE, db_constraint=False), []),
        rows=[{"a_id": 1}],
    ),
    replace(
        alter(
            "constraint",
            models.ForeignKey("shop.shelf", models.CASCADE, db_constraint=False),
            SHELF,
            [],
            destructive=BOTH,
        ),
        rows=[{"a_id": 77}],
    ),
    replace(
        alter("other table", SHELF, models.ForeignKey("shop.rack", models.CASCADE), [], destructive=BOTH),
        rows=[{"a_id": 1}],
    ),
    Case(
        "number to reference",
        [migrations.AlterField("product", "a", models.ForeignKey("shop.shelf", models.CASCADE, db_column="a"))],
        BOTH,
        {"a": models.BigIntegerField()},
        [{"a": 77}],
    ),
    Case(
        "wider key",
        [migrations.AlterField("shelf", "id", models.BigAutoField(primary_key=True))],
        NONE,
        LINKED,
        [{"a_id": 1}],
    ),
    # Indexes and constraints.
    Case("add index", [migrations.AddIndex("product", index(fields=["a"]))], NONE, CODES, NUMBERED),
    Case(
        "add partial index",
        [migrations.AddIndex("product", index(fields=["a"], condition=Q(a__gt=1)))],
        NONE,
        CODES,
        NUMBERED,
    ),
    Case(
        "add index of a collation",
        [migrations.AddIndex("product", index(Collate("a", "C")))],
        NONE,
        TEXT,
        [{"a": "X"}],
        on=ON_POSTGRESQL,
    ),
    Case("add index of lower", [migrations.AddIndex("product", index(Lower("a")))], NONE, TEXT, [{"a": "X"}]),
    Case(
        "add index that fails",
        [migrations.AddIndex("product", index(Cast("a", models.IntegerField())))],
        BOTH,
        TEXT,
        [{"a": "1"}],
        [{"a": "no number"}],
        cautious=ON_SQLITE,
    ),
    Case(
        "remove index",
        [migrations.RemoveIndex("product", "by_a")],
        NONE,
        CODES,
        NUMBERED,
        options={"indexes": [index(fields=["a"])]},
    ),
    Case(
        "rename index",
        [migrations.RenameIndex("product", new_name="named", old_name="by_a")],
        NONE,
        CODES,
        NUMBERED,
        options={"indexes": [index(fields=["a"])]},
    ),
    Case(
        "add index concurrently",
        [AddIndexConcurrently("product", index(fields=["a"]))],
        NONE,
        CODES,
        NUMBERED,
        on=ON_POSTGRESQL,
    ),
    Case(
        "remove index concurrently",
        [RemoveIndexConcurrently("product", "by_a")],
        NONE,
        CODES,
        NUMBERED,
        options={"indexes": [index(fields=["a"])]},
        on=ON_POSTGRESQL,
    ),
    Case("add unique constraint", [migrations.AddConstraint("product", UNIQUE)], BOTH, CODES, NUMBERED, NUMBERED),
    Case(
        "remove unique constraint",
        [migrations.RemoveConstraint("product", "one_a")],
        BOTH,
        CODES,
        NUMBERED,
        [{"a": 3, "c": 1}],
        {"constraints": [UNIQUE]},
    ),
    Case(
        "add check constraint",
        [migrations.AddConstraint("product", models.CheckConstraint(condition=Q(a__gt=1), name="many"))],
        BOTH,
        CODES,
        NUMBERED,
    ),
    Case(
        "add check constraint not valid",
        [AddConstraintNotValid("product", models.CheckConstraint(condition=Q(a__gt=1), name="many"))],
        BOTH,
        CODES,
        NUMBERED,
        on=ON_POSTGRESQL,
    ),
    Case(
        "remove check constraint",
        [migrations.RemoveConstraint("product", "few")],
        NONE,
        CODES,
        NUMBERED,
        options={"constraints": [models.CheckConstraint(condition=Q(a__lt=9), name="few")]},
    ),
    Case(
        "add unique together",
        [migrations.AlterUniqueTogether("product", {("a", "c")})],
        BOTH,
        CODES,
        NUMBERED,
        NUMBERED,
    ),
    Case(
        "remove unique together",
        [migrations.AlterUniqueTogether("product", set())],
        BOTH,
        CODES,
        NUMBERED,
        [{"a": 3, "c": 1}],
        {"unique_together": {("a", "c")}},
    ),
    # The rest.
    Case("order", [migrations.AlterOrderWithRespectTo("product", "a")], BOTH, LINKED, [{"a_id": 1}]),
    Case("options", [migrations.AlterModelOptions("product", {"ordering": ["id"]})]),
    Case("table comment", [migrations.AlterModelTableComment("product", "what is sold")]),
    Case("extension", [BtreeGinExtension()], on=ON_POSTGRESQL),
    Case("noop code", [migrations.RunPython(migrations.RunPython.noop)]),
    Case("noop SQL", [migrations.RunSQL(migrations.RunSQL.noop)]),
    Case("code", [migrations.RunPython(lambda apps, editor: None)], BOTH, cautious=BOTH),
    Case("SQL", [migrations.RunSQL("SELECT 1")], BOTH, cautious=BOTH),
    Case(
        "state alone",
        [migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("product", "a")])],
        NONE,
        TEXT,
        [{"a": "x"}],
    ),
    Case(
        "database alone",
        [migrations.SeparateDatabaseAndState(database_operations=[migrations.RemoveField("product", "a")])],
        BOTH,
        TEXT,
        [{"a": "x"}],
    ),
]

if hasattr(models, "DB_CASCADE"):
    CASES.append(
        replace(
            alter(
                "deletion by Django instead of the database",
                models.ForeignKey("shop.shelf", models.DB_CASCADE),
                SHELF,
                [],
                destructive=BOTH,
            ),
            rows=[{"a_id": 1}, {"a_id": 2}],
        )
    )
    CASES.append(
        replace(
            alter(
                "deletion by the database instead of Django",
                SHELF,
                models.ForeignKey("shop.shelf", models.DB_CASCADE),
                [],
            ),
            rows=[{"a_id": 1}, {"a_id": 2}],
        )
    )


def before(case: Case) -> list[Any]:
    key = ("id", models.BigAutoField(primary_key=True))
    return [
        migrations.CreateModel("Shelf", [("id", models.AutoField(primary_key=True)), ("code", models.TextField())]),
        migrations.CreateModel("Rack", [key]),
        migrations.CreateModel("Product", [key, *case.fields.items()], options=case.options),
    ]
