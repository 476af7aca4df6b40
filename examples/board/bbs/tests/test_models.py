from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.test import TestCase
from django.utils import timezone

from bbs.models import MAX_IMAGE_BYTES, Topic, image_name, validate_image_size


class TopicQueries(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cls.cat = Topic.objects.create(title="Lost cat", body="Grey, by the mill", author_name="Hanna")
        cls.bench = Topic.objects.create(title="New bench", body="By the weir", author_name="Millie")

    def test_every_word_must_occur_in_title_text_or_author(self) -> None:
        self.assertCountEqual(Topic.objects.matching("mill"), [self.cat, self.bench])
        self.assertCountEqual(Topic.objects.matching("MILL cat"), [self.cat])
        self.assertCountEqual(Topic.objects.matching("cat weir"), [])
        self.assertCountEqual(Topic.objects.matching("  "), [self.cat, self.bench])

    def test_archiving_keeps_the_time_of_what_was_archived_before(self) -> None:
        before = timezone.now() - timedelta(days=3)
        Topic.objects.filter(pk=self.cat.pk).update(archived_at=before)
        self.assertEqual(Topic.objects.all().archive(), 1)
        self.cat.refresh_from_db()
        self.assertEqual(self.cat.archived_at, before)
        self.assertFalse(Topic.objects.open().exists())
        self.assertEqual(Topic.objects.archived().count(), 2)

    def test_the_newest_topic_comes_first(self) -> None:
        self.assertEqual(list(Topic.objects.all()), [self.bench, self.cat])


class Images(TestCase):
    def test_a_stored_image_keeps_nothing_but_the_suffix_of_its_name(self) -> None:
        self.assertRegex(image_name(Topic(), "../My Passport.JPG"), r"^topics/[0-9a-f]{32}\.jpg$")

    def test_an_image_of_the_limit_passes_and_a_byte_more_does_not(self) -> None:
        validate_image_size(ContentFile(b"x" * MAX_IMAGE_BYTES))
        with self.assertRaisesMessage(ValidationError, "at most 4 MB"):
            validate_image_size(ContentFile(b"x" * (MAX_IMAGE_BYTES + 1)))
