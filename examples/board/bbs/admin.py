"""The board's side of Django's admin."""

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet, TextField
from django.http import HttpRequest
from django.utils.html import format_html
from pocket.django.utils import pocket_call_command

from bbs.models import Comment, Topic

admin.site.site_header = "Riverside Board"
admin.site.site_title = "Riverside Board"


class CommentInline(admin.TabularInline):
    model = Comment
    fields = ["author_name", "body", "created_at"]
    readonly_fields = ["created_at"]
    formfield_overrides = {TextField: {"widget": forms.Textarea(attrs={"rows": 3, "cols": 50})}}
    extra = 0


class ArchivedFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("open", "Open"), ("archived", "Archived")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return {"open": queryset.open, "archived": queryset.archived}.get(self.value(), queryset.all)()


@admin.register(Topic)
class TopicAdmin(admin.ModelAdmin):
    list_display = ["title", "author_name", "comment_count", "created_at", "open"]
    list_filter = [ArchivedFilter, "created_at"]
    search_fields = ["title", "body", "author_name"]
    search_help_text = "Title, text or author"
    date_hierarchy = "created_at"
    fields = ["title", "body", "author_name", "image", "preview", "created_at", "archived_at"]
    readonly_fields = ["preview", "created_at", "archived_at"]
    inlines = [CommentInline]
    actions = ["archive_selected"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).with_comment_count()

    @admin.display(description="comments", ordering="comment_count")
    def comment_count(self, topic: Topic) -> int:
        return topic.comment_count

    @admin.display(description="open", boolean=True, ordering="archived_at")
    def open(self, topic: Topic) -> bool:
        return not topic.is_archived

    @admin.display(description="preview")
    def preview(self, topic: Topic) -> str:
        if not topic.image:
            return "–"
        return format_html('<img src="{}" alt="" style="max-width: 24rem; height: auto">', topic.image.url)

    @admin.action(description="Archive selected topics", permissions=["change"])
    def archive_selected(self, request: HttpRequest, queryset: QuerySet) -> None:
        keys = [str(key) for key in queryset.open().values_list("pk", flat=True)]
        if not keys:
            self.message_user(request, "These topics are archived already.", messages.INFO)
            return
        pocket_call_command("archive_topics", args=["--topic", *keys])
        self.message_user(request, f"To the archive: {len(keys)} topic(s).", messages.SUCCESS)


@admin.register(Comment)
class CommentAdmin(admin.ModelAdmin):
    list_display = ["excerpt", "author_name", "topic", "created_at"]
    list_filter = ["created_at"]
    list_select_related = ["topic"]
    search_fields = ["body", "author_name", "topic__title"]
    autocomplete_fields = ["topic"]
    readonly_fields = ["created_at"]

    @admin.display(description="comment", ordering="body")
    def excerpt(self, comment: Comment) -> str:
        return comment.body if len(comment.body) <= 70 else f"{comment.body[:69].rstrip()}…"
