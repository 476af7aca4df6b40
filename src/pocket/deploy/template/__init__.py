"""A stage as CloudFormation templates: plain data from pure functions."""

from pocket.deploy.template.body import Template
from pocket.deploy.template.document import render
from pocket.deploy.template.inputs import Code, Inputs
from pocket.deploy.template.storage import render_storage

__all__ = ["Code", "Inputs", "Template", "render", "render_storage"]
