"""`pocket.toml`: finding it, reading it, merging it for each stage, checking it, and building the manifest."""

from pocket.config.file import FILE_NAME, find_file
from pocket.config.manifest_builder import build_manifest
from pocket.config.project import Project, load, loads
from pocket.config.schema import json_schema
from pocket.config.stage import StageConfig

__all__ = ["FILE_NAME", "Project", "StageConfig", "build_manifest", "find_file", "json_schema", "load", "loads"]
