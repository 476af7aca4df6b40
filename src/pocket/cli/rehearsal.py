"""A deploy onto the embedded AWS: the same release, then its routes and its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pocket.cli.project import Destination
    from pocket.deploy.release import Deployed
    from pocket.deploy.reporting import Reporter


def deploy_locally(place: Destination, reporter: Reporter) -> Deployed:
    """Deploys `place.stage` onto the running embedded AWS, points its sites at what was deployed, saves the state."""
    from pocket.deploy import release
    from pocket.local import attach

    aws = attach(place.project.directory)
    deployed = release.deploy(place.project, place.stage, place.target, reporter, published=aws.route)
    aws.save()
    return deployed
