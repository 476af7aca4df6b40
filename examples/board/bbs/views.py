"""Pages of the board."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.forms import BaseModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST
from django.views.generic import CreateView, ListView
from pocket.django.utils import pocket_call_command

from bbs.forms import CommentForm, TopicForm
from bbs.models import Topic

AUTHOR_KEY = "author_name"
"""The session's key for the name that a visitor last signed with."""


class TopicList(ListView):
    """The open topics, newest first; `?q=` searches them."""

    template_name = "bbs/topic_list.html"
    context_object_name = "topics"
    paginate_by = 8
    extra_context = {"section": "topics"}

    def topics(self) -> QuerySet[Topic]:
        return Topic.objects.open()

    def get_queryset(self) -> QuerySet[Topic]:
        self.words = self.request.GET.get("q", "").strip()
        return self.topics().matching(self.words).with_comment_count()

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        return super().get_context_data(words=self.words, **kwargs)


class Archive(TopicList):
    """The archived topics."""

    extra_context = {"section": "archive"}

    def topics(self) -> QuerySet[Topic]:
        return Topic.objects.archived()


class TopicCreate(CreateView):
    """The form for a new topic."""

    form_class = TopicForm
    template_name = "bbs/topic_form.html"
    extra_context = {"section": "new"}

    def get_initial(self) -> dict[str, object]:
        return {"author_name": self.request.session.get(AUTHOR_KEY, "")}

    def form_valid(self, form: BaseModelForm) -> HttpResponse:
        response = super().form_valid(form)
        self.request.session[AUTHOR_KEY] = form.cleaned_data["author_name"]
        messages.success(self.request, "Your topic is on the board.")
        return response


@require_http_methods(["GET", "HEAD", "POST"])
def topic(request: HttpRequest, pk: int) -> HttpResponse:
    """A topic with its comments; a POST adds one."""
    topic = get_object_or_404(Topic, pk=pk)
    form = CommentForm(request.POST or None, initial={"author_name": request.session.get(AUTHOR_KEY, "")})
    if request.method == "POST":
        if topic.is_archived:
            messages.error(request, "This topic is archived and takes no more comments.")
            return redirect(topic)
        if form.is_valid():
            form.instance.topic = topic
            comment = form.save()
            request.session[AUTHOR_KEY] = comment.author_name
            messages.success(request, "Your comment is posted.")
            return redirect(comment)
    return render(request, "bbs/topic.html", {"topic": topic, "comments": topic.comments.all(), "form": form})


def latest(request: HttpRequest) -> HttpResponse:
    """A page that the API fills."""
    root = reverse("bbs:topics") + "api/"
    return render(
        request, "bbs/latest.html", {"section": "latest", "api": f"{root}topics/latest", "docs": f"{root}docs"}
    )


@require_POST
@permission_required("bbs.change_topic", raise_exception=True)
def archive_topic(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a topic archived: through the queue where the stage has one, at once where it has none."""
    topic = get_object_or_404(Topic, pk=pk)
    pocket_call_command("archive_topics", args=["--topic", str(topic.pk)])
    messages.success(request, f"“{topic}” goes to the archive.")
    return redirect("bbs:topics")


def favicon(request: HttpRequest) -> HttpResponse:
    """Where browsers look for an icon on pages that name none, such as the admin's."""
    return redirect(static("bbs/favicon.svg"))
