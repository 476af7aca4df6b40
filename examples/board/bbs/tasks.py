"""What the board does in the background: one task a reader, so that one that fails holds up no other."""

from datetime import timedelta

from django.contrib.auth import get_user_model
from django.core.mail import send_mail
from django.utils import timezone
from pocket.django.tasks import retries

from bbs.models import Topic

try:
    from django.tasks import task
except ImportError:  # before Django 6.0
    from django_tasks import task

User = get_user_model()


@task
@retries(attempts=3, backoff=60, never=User.DoesNotExist)
def send_digest(user_id: int, days: int = 7) -> int:
    """Mails the newest topics to a user; returns their number. Without new topics there is no mail."""
    user = User.objects.get(pk=user_id)
    since = timezone.now() - timedelta(days=days)
    topics = list(Topic.objects.open().filter(created_at__gte=since))
    if topics:
        lines = [f"- {topic.title}, by {topic.author_name}" for topic in topics]
        send_mail(f"New on the board: {len(topics)} topics", "\n".join(lines), None, [user.email])
    return len(topics)
