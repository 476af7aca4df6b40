"""What comes from the supplier; all of it taken while this module is imported."""

import os
import sqlite3
import time
from uuid import uuid4

NAME = uuid4().hex  # pocket.W070
CONNECTION = sqlite3.connect(":memory:")  # pocket.W071
STARTED = time.time()  # pocket.W072
KEY = os.environ["FEED_KEY"]  # pocket.W073
