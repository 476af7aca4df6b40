"""A second app's routes, with a tag of their own."""

from pocket.fastapi import Router

router = Router(prefix="/shelves", tags=["furniture"])


@router.get("/")
async def shelves() -> list[str]:
    return ["left", "right"]
