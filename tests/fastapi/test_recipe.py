"""The specification's recipe, written by hand exactly as it stands there, served by pocket.asgi."""

from __future__ import annotations

import json
from pathlib import Path

from fresh import evaluate

RECIPE = """
import os
import django

os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'config.settings')
django.setup()

from bbs.models import Topic
from asgiref.sync import sync_to_async

@sync_to_async
def get_topics():
    return list(Topic.objects.all().values())

from fastapi import FastAPI

app = FastAPI()

@app.on_event("startup")
async def startup():

    global topics_cache
    topics_cache = await get_topics()

# Django側でTopicが書き換わった時、ここにリクエストを送り、データを再読込させる。
@app.get("/refresh/")
async def index():

    global topics_cache
    topics_cache = await get_topics()

    return { "topics": topics_cache }
"""
SETTINGS = """
SECRET_KEY = "x"
INSTALLED_APPS = ["bbs"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""
MODELS = "from django.db import models\n\n\nclass Topic(models.Model):\n    title = models.TextField()\n"
SERVE = """
import sys
sys.path.insert(0, SUPPORT)
import warnings
warnings.simplefilter("ignore")
import recipe, asyncio, threading
from django.db import connection
from pocket.asgi import make_handler
from asgi_client import LambdaClient

def fill(*titles):
    recipe.Topic.objects.bulk_create(recipe.Topic(title=title) for title in titles)

with connection.schema_editor() as editor:
    editor.create_model(recipe.Topic)
fill("first")
with LambdaClient(recipe.app) as client:
    started = [topic["title"] for topic in recipe.topics_cache]
    fill("second")
    refreshed = [topic["title"] for topic in client.get("/refresh/").json()["topics"]]
result = [started, refreshed]
"""


def test_the_recipe_runs_unchanged(tmp_path: Path) -> None:
    (tmp_path / "recipe.py").write_text(RECIPE)
    for package, module, text in (("config", "settings", SETTINGS), ("bbs", "models", MODELS)):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
        (tmp_path / package / f"{module}.py").write_text(text)
    support = json.dumps(str(Path(__file__).parent.parent / "support"))
    assert evaluate(SERVE.replace("SUPPORT", support), tmp_path) == [["first"], ["first", "second"]]
