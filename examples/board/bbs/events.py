"""What the board does when a picture is uploaded, and every Monday."""

from datetime import timedelta
from io import BytesIO
from urllib.parse import unquote_plus

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.core.mail import send_mail
from django.utils import timezone
from PIL import Image

from bbs.models import Topic

THUMBNAIL_SIZE = (480, 480)


def thumbnails(event: dict, context: object) -> None:
    """Makes a thumbnail of each uploaded picture. A second delivery of the same event writes the same again."""
    for record in event["Records"]:
        name = unquote_plus(record["s3"]["object"]["key"]).removeprefix("media/")
        storages["thumbnails"].save(name, thumbnail(name))
        Topic.objects.filter(image=name).update(thumbnail=name)


def thumbnail(name: str) -> ContentFile:
    """The stored picture, small, in its own format."""
    with default_storage.open(name) as file, Image.open(file) as picture:
        kind = picture.format
        picture.thumbnail(THUMBNAIL_SIZE)
        buffer = BytesIO()
        picture.save(buffer, kind)
    return ContentFile(buffer.getvalue())


def weekly_report(event: dict, context: object) -> dict:
    """Mails the committee how many topics the last days brought; `event` is the schedule's input."""
    since = timezone.now() - timedelta(days=event["days"])
    number = Topic.objects.filter(created_at__gte=since).count()
    text = f"{number} new topics in the last {event['days']} days."
    send_mail("The board's week", text, None, settings.REPORT_RECIPIENTS)
    return {"topics": number, "days": event["days"]}
