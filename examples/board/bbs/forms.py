"""Forms for what visitors write."""

from django import forms

from bbs.models import IMAGE_SUFFIXES, MAX_IMAGE_BYTES, Comment, Topic


class BoardForm(forms.ModelForm):
    """A form whose labels stand above their fields, without a colon."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, label_suffix="", **kwargs)


class TopicForm(BoardForm):
    class Meta:
        model = Topic
        fields = ["title", "body", "image", "author_name"]
        widgets = {
            "body": forms.Textarea(attrs={"rows": 8}),
            "image": forms.FileInput(attrs={"accept": ",".join(f".{suffix}" for suffix in IMAGE_SUFFIXES)}),
            "author_name": forms.TextInput(attrs={"autocomplete": "name"}),
        }
        labels = {"image": "Picture (optional)", "author_name": "Your name"}
        help_texts = {
            "body": "Plain text. Blank lines separate paragraphs, web addresses become links.",
            "image": f"JPEG, PNG, WebP or GIF, at most {MAX_IMAGE_BYTES // (1024 * 1024)} MB.",
        }


class CommentForm(BoardForm):
    class Meta:
        model = Comment
        fields = ["body", "author_name"]
        widgets = {
            "body": forms.Textarea(attrs={"rows": 4}),
            "author_name": forms.TextInput(attrs={"autocomplete": "name"}),
        }
        labels = {"author_name": "Your name"}
