"""Endpoints of every kind that the checks of an API tell apart; their routers are included by tests alone."""

from collections.abc import Iterator
from typing import Annotated, Any

from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from fastapi import Depends, HTTPException, Security
from fastapi.security import APIKeyHeader
from pydantic import BaseModel, ConfigDict

from gallery.models import Artist, Loaded, Painting
from pocket.fastapi import Router, orm
from pocket.fastapi.identity import require_permission, require_user

blocking = Router(prefix="/blocking")
patient = Router(prefix="/patient")
unnamed = Router(prefix="/unnamed")
named = Router(prefix="/named")
reading = Router(prefix="/reading")
loaded = Router(prefix="/loaded")
writing = Router(prefix="/writing")
guarded = Router(prefix="/guarded")
first = Router(prefix="/same")
second = Router(prefix="/same")


@blocking.get("/get")
async def gets(pk: int) -> Any:
    return Painting.objects.get(pk=pk)


@blocking.get("/chain")
async def chains() -> Any:
    if Painting.objects.filter(title="x").order_by("title").exists():
        return 1
    return 0


@blocking.get("/list")
async def lists() -> Any:
    return list(Painting.objects.all()[:3])


@blocking.get("/loop")
async def loops() -> Any:
    titles = []
    for painting in Painting.objects.only("title"):
        titles.append(painting.title)  # noqa: PERF401
    return titles


@patient.get("/def")
def plain(pk: int) -> Any:
    return Painting.objects.get(pk=pk)


@patient.get("/awaits")
async def awaits(pk: int) -> Any:
    return await Painting.objects.aget(pk=pk)


@patient.get("/iterates")
async def iterates() -> Any:
    return [painting.title async for painting in Painting.objects.all()]


@patient.get("/lazy")
async def lazy() -> Any:
    return Painting.objects.filter(title="x")


@patient.get("/elsewhere")
async def elsewhere() -> Any:
    @sync_to_async
    def number() -> int:
        return Painting.objects.count()

    return await number() + await sync_to_async(lambda: 1 + Painting.objects.count())()


@orm
def _number() -> int:
    return Painting.objects.count()


@patient.get("/orm")
async def through_orm() -> Any:
    return await _number()


@patient.get("/others")
async def others() -> Any:
    cache = {"x": 1}
    return [cache.get("x"), len(cache), list(cache)]


class ArtistOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str


class PaintingOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    title: str
    artist: ArtistOut


class ThemedOut(BaseModel):
    title: str
    themes: list[dict[str, str]]


class ArtistWithPaintings(BaseModel):
    name: str
    paintings: list[PaintingOut]


class Flat(BaseModel):
    title: str
    artist_id: int
    artist: str


@reading.get("/forward", response_model=list[PaintingOut])
def forward() -> Any:
    return Painting.objects.order_by("title")


@reading.get("/reverse", response_model=list[ArtistWithPaintings])
async def reverse() -> Any:
    return [artist async for artist in Artist.objects.all()]


@loaded.get("/selected", response_model=list[PaintingOut])
def selected() -> Any:
    return Painting.objects.select_related("artist")


@loaded.get("/named", response_model=list[PaintingOut])
def through_a_method() -> Any:
    return Painting.objects.with_artists().order_by("title")


@loaded.get("/manager", response_model=list[PaintingOut])
def through_the_manager() -> Any:
    return Loaded.objects.all()


@loaded.get("/one", response_model=PaintingOut)
def one(pk: int) -> Any:
    return Painting.objects.get(pk=pk)


@loaded.get("/flat", response_model=list[Flat])
def flat() -> Any:
    return Painting.objects.all()


@loaded.get("/plain", response_model=list[ThemedOut])
def without_models_in_it() -> Any:
    return Painting.objects.all()


@loaded.get("/elsewhere", response_model=list[PaintingOut])
def from_elsewhere() -> Any:
    return rows()


def rows() -> Any:
    return Painting.objects.all()


@writing.post("/create")
def creates(name: str) -> int:
    return Artist.objects.create(name=name).pk


@writing.delete("/delete/{pk}")
async def deletes(pk: int) -> None:
    await Artist.objects.filter(pk=pk).adelete()


def settled() -> Iterator[int]:
    yield 1


@writing.put("/save/{pk}")
def saves(pk: int, number: Annotated[int, Depends(settled)]) -> None:
    Artist(pk=pk, name=str(number)).save()


@guarded.get("/read")
def reads() -> None:
    Artist.objects.create(name="a visit")


@guarded.post("/search")
def searches(name: str) -> Any:
    return Artist.objects.filter(name=name)


@guarded.post("/user", dependencies=[Depends(require_user)])
def for_users(name: str) -> None:
    Artist.objects.create(name=name)


@guarded.post("/permission", dependencies=[Depends(require_permission("gallery.add_artist"))])
def for_some(name: str) -> None:
    Artist.objects.create(name=name)


@guarded.post("/scheme", dependencies=[Security(APIKeyHeader(name="X-Key"))])
def with_a_scheme(name: str) -> None:
    Artist.objects.create(name=name)


def doorkeeper(secret: str) -> None:
    if secret != "open":
        raise HTTPException(403)


def corridor(passed: Annotated[None, Depends(doorkeeper)]) -> None:
    """Requires no identity itself."""


@guarded.post("/deep", dependencies=[Depends(corridor)])
def behind_a_corridor(name: str) -> None:
    Artist.objects.create(name=name)


@guarded.post("/inside")
def asks_inside(name: str) -> None:
    if name == "Anon":
        raise PermissionDenied
    Artist.objects.create(name=name)


@guarded.post("/open", openapi_extra={"security": []})
def for_everybody(name: str) -> None:
    Artist.objects.create(name=name)


@first.get("/{pk}")
def reached(pk: int) -> int:
    return pk


@first.post("/{pk}")
def another_method(pk: int) -> int:
    return pk


@second.get("/{number}")
def never_reached(number: int) -> int:
    return number


@second.get("/{path:path}")
def another_shape(path: str) -> str:
    return path


@unnamed.get("/all")
def all_of_them() -> Any:
    return Painting.objects.all()


@unnamed.get("/filtered")
async def filtered():  # type: ignore[no-untyped-def]  # as many are written
    return Painting.objects.filter(title="x").order_by("title")[:3]


@unnamed.get("/first")
def first_of_them() -> Any:
    if Painting.objects.exists():
        return Painting.objects.order_by("title").first()
    return None


@unnamed.get("/one")
async def awaited_one(pk: int) -> Any:
    return await Painting.objects.aget(pk=pk)


@unnamed.get("/created")
def created() -> Any:
    painting = Painting(title="x")
    return Painting.objects.get(pk=painting.pk)


@unnamed.get("/bound")
def bound() -> Any:
    painting = get_object_or_404(Painting, title="x")
    return painting  # noqa: RET504  (as many are written)


@unnamed.get("/contained")
def contained() -> Any:
    found = Painting.objects.first()
    return {"painting": found, "more": []}


@unnamed.get("/listed")
def listed() -> Any:
    return {"paintings": list(Painting.objects.all()), "more": [each for each in Painting.objects.all()]}  # noqa: C416  (as many are written)


@unnamed.get("/columns")
def without_columns() -> Any:
    return Painting.objects.values()


@unnamed.post("/made", openapi_extra={"security": []})
def made() -> Any:
    painting = Painting(title="x")
    painting.save()
    return painting


@named.get("/bound")
def bound_to_a_column() -> Any:
    title = Painting.objects.get(pk=1).title
    return title  # noqa: RET504  (as many are written)


@named.get("/model", response_model=list[Flat])
def with_a_model() -> Any:
    return Painting.objects.all()


@named.get("/annotated")
def with_an_annotation(pk: int) -> Flat:
    return Painting.objects.get(pk=pk)  # type: ignore[return-value]  # FastAPI reads its attributes


@named.get("/values")
def with_values() -> Any:
    return Painting.objects.values("title")


@named.get("/number")
def with_a_number() -> Any:
    return Painting.objects.count()
