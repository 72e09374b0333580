"""What each error code of a blog means, in the words that support tells a shop. The table in docs/desk.md has the same codes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """What happened, as the end of a sentence; what the shop or staff can do; and whether the error's own words say more.

    `while_put_off`: what it means for a blog that waits, where that is something else.
    """

    what: str
    helps: str = ""
    has_words: bool = False
    while_put_off: str = ""

    def told(self, message: str) -> str:
        """Say what happened, with the error's own words where those matter."""
        words = message.strip().rstrip(".")
        return f"{self.what} ({words})" if self.has_words and words else self.what


_RETRY = "Retry it."
_ENGINEER = "Tell an engineer."
_OPERATOR = "Tell an operator; retry it when our account is in order."
_OPEN_APP = "The shop opens the app's page once, or installs the app again; then retry."
_NO_PICTURE = "The shop can add a picture of its own at Wix."
_BY_ITSELF = "It comes back by itself."

_CAUSES = {
    # --- The shop can mend it ---
    "blog_not_installed": Cause("the site has no Wix Blog app", "The shop installs Wix Blog; then retry."),
    "no_author": Cause(
        "the site has no member who can sign its posts", "The shop adds a member to its site; then retry."
    ),
    "source_not_found": Cause(
        "the product or collection is hidden, or not in the shop",
        "The shop can ask again with one that it shows.",
    ),
    "content_refused": Cause("OpenAI declined the topic", "The shop can ask for another topic."),
    "content_invalid": Cause(
        "the text had faults that another try did not mend", "The shop can ask for another topic.", has_words=True
    ),
    "content_truncated": Cause("each text was cut off at its longest", "The shop can ask for a shorter article."),
    "article_too_large": Cause("the article is larger than Wix takes", "The shop can ask for a shorter article."),
    "request_too_large": Cause("the request is larger than a provider takes", "The shop can ask with a shorter text."),
    "wix_auth_lost": Cause("Wix gives us no access to this site", _OPEN_APP),
    "wix_not_connected": Cause("the app was removed from this site", "The shop installs the app again; then retry."),
    # --- Staff can ---
    "wix_rejected": Cause("Wix refused a request", _ENGINEER, has_words=True),
    "provider_rejected": Cause("OpenAI refused this blog's request", _ENGINEER, has_words=True),
    "provider_refused_key": Cause("a provider refuses our key", _OPERATOR),
    "provider_quota": Cause("our account at a provider is used up", _OPERATOR),
    "provider_misconfigured": Cause("our account at a provider is not set up for this", _OPERATOR),
    "provider_down": Cause(
        "a service was down for more than a day",
        "Retry it now that the service is back.",
        while_put_off="a service is down",
    ),
    "timeout": Cause("there was no answer in time", _RETRY),
    "provider_unavailable": Cause("a provider gave no good answer", _RETRY),
    "wix_unavailable": Cause("Wix gave no good answer", _RETRY),
    "rate_limited": Cause("a provider's limit left no room for it", "Retry it, and tell an operator."),
    "wix_rate_limited": Cause("Wix's limit for this site left no room for it", "Retry it, and tell an operator."),
    "rescued_too_often": Cause(
        "workers died in the middle of it, again and again", "An engineer looks first; then retry."
    ),
    "internal": Cause("it met a fault of our own", "An engineer must look."),
    # --- It waits for moments ---
    "catalogue_being_read": Cause("the shop's catalogue is being read", _BY_ITSELF),
    "idea_being_asked": Cause("its idea is being asked for together with another blog's", _BY_ITSELF),
    "draft_unsure": Cause("whether Wix has its draft already is looked up first", _BY_ITSELF),
    "label_being_made": Cause("another blog is making a tag or category that it needs", _BY_ITSELF),
    "author_not_shown": Cause("Wix does not show the new author yet", _BY_ITSELF),
    "too_little_time": Cause("too little time was left for the draft", _BY_ITSELF),
    "not_settled": Cause(
        "a backup was restored under running workers", "An operator runs `manage.py after_restore`; then it goes on."
    ),
    # --- Warnings: the draft exists, and lacks something ---
    "image_failed": Cause("it has no picture: Replicate could not make one", _NO_PICTURE),
    "image_not_ready": Cause("it has no picture: Replicate was too slow", _NO_PICTURE),
    "image_too_old": Cause("it has no picture: Replicate's file was gone by then", _NO_PICTURE),
    "image_interrupted": Cause("it has no picture: Replicate stopped in the middle", _NO_PICTURE),
    "media_not_ready": Cause("it lacks a picture: Wix was too slow with the file", _NO_PICTURE),
    "media_failed": Cause("it lacks a picture: Wix could not take the file", _NO_PICTURE),
    "media_quota": Cause("it lacks a picture: the shop's media manager is full", "The shop makes room there."),
    "cover_dropped": Cause("Wix left its cover out", _NO_PICTURE),
    "photo_unusable": Cause("it lacks a product's photo that Wix can't use", "The shop looks at that photo."),
    "products_refused": Cause(
        "it speaks of no products: Wix can't list the shop's",
        "The shop mends the product that is named.",
        has_words=True,
    ),
    "labels_dropped": Cause("it lacks tags or categories", "The shop can set them at Wix."),
    "labels_failed": Cause("it lacks tags or categories", "The shop can set them at Wix.", has_words=True),
    "post_part_refused": Cause("Wix refused a part of it", "The shop looks through the draft.", has_words=True),
    "article_shortened": Cause("it was shortened to what Wix takes", "The shop looks through the draft."),
    "duplicate_topic": Cause(
        "it tells what another post of the site does", "The shop can ask for another topic.", has_words=True
    ),
    "needs_review": Cause(
        "its article is held for a person",
        "Read it, then publish it, or have it repaired or written from the start.",
        has_words=True,
    ),
    "critic_unavailable": Cause("rules alone have judged its article, without a critic", "Nothing has to be done."),
    "not_a_draft": Cause(
        "its article was not revised, because the post is no unpublished draft",
        "Make the draft again, if the shop wishes.",
    ),
    "draft_edited": Cause(
        "its article was not revised, because its shop has edited the draft",
        "Make the draft again, if the shop wishes.",
    ),
    "draft_gone": Cause(
        "it could not be published again, because its draft is not at Wix any more",
        "Make the draft again, then publish it again.",
    ),
    "article_gone": Cause(
        "its draft could not be made again: too little of it is stored", "The shop can ask for a new one."
    ),
    "not_read_back": Cause("it could not be looked at once it was made", "Open it at Wix to be sure."),
}


def known() -> frozenset[str]:
    """Return the codes that have words here."""
    return frozenset(_CAUSES)


def of(code: str, message: str = "") -> Cause:
    """Return the code's meaning; for one that is not known, the error's own words."""
    if cause := _CAUSES.get(code):
        return cause
    return Cause(message.strip().rstrip(".") or f"the error {code}", _ENGINEER)
