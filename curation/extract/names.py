"""What the tags, ids and classes of a page say about its parts: the main text, comments, or what stands around it.

The tags and words are those of trafilatura 2.3 (`settings.py` and `xpaths.py`, Apache-2.0; Barbaresi 2021, ACL system
demonstration 15), collected there on some thousand pages. None was added for the pages that are measured here.
"""

import re
from functools import lru_cache

from lxml.etree import _Element

# They hold no main text. `form` is not among them, as there are sites that put every page into one.
DROPPED = (
    "applet", "area", "aside", "audio", "blink", "button", "canvas", "datalist", "dialog", "embed", "fencedframe",
    "fieldset", "figure", "footer", "frame", "frameset", "head", "iframe", "input", "label", "legend", "link", "map",
    "marquee", "math", "menu", "menuitem", "nav", "noindex", "noscript", "object", "optgroup", "option", "output",
    "param", "picture", "progress", "rp", "rt", "rtc", "script", "select", "source", "style", "svg", "textarea", "time",
    "track", "use", "video",
)  # fmt: skip
# They do not interrupt the text around them.
INLINE = frozenset((
    "a", "abbr", "acronym", "address", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font",
    "hgroup", "i", "img", "ins", "kbd", "mark", "meta", "nobr", "q", "ruby", "s", "samp", "small", "span", "strike",
    "strong", "sub", "sup", "tbody", "template", "tfoot", "thead", "tt", "u", "var", "wbr",
))  # fmt: skip

# Only these are looked up in the words below; other elements are left out only where they are hidden.
NAMED = frozenset(("div", "section", "p", "span", "ul", "ol", "dl", "li", "dd", "dt"))
_AROUND = "^shar|social|viral|newsletter|syndication|tags|sidebar|banner|bread-?crumb|button|author|message-container"
_AROUND_ID = re.compile(
    f"{_AROUND}|^(?:jp-|dpsp-content|ad-)|bmdh|[Ff]ooter|[Ss]hare|[Nn]av|menu|related|premium|caption"
)
_AROUND_CLASS = re.compile(
    f"{_AROUND}|^(?:nav|post-nav|ZendeskForm)|avigation|subnav|menu|bar| ad |-ad-|(?:^| )ad-|dfp[Aa]d|outbrain|taboola"
    "|criteo|paid-?content|widget|[Ff]ooter|[Bb]yline|share-|sociable|embed|tag-list|consent|modal-content|permission"
    "|navbox|elated|next-|-stories|most-popular|more-on|meta|rating|attachment|timestamp|user-info|user-profile|-icon"
    "|article-infos|slide|viewport|overlay|options|expand|obfuscated|blurred|mol-factbox|yin|zlylin|nfoline|caption"
)
_HIDDEN_ID = re.compile("^reply-|hidden|reader-comments|akismet")
_HIDDEN_CLASS = re.compile(
    "^(?:hide-|reply-)|comments-title|nocomments|-reply-|message|akismet|suggest-links|-hide-| hidden| hide|noprint"
    "|notloaded"
)
_HIDDEN_STYLE = re.compile("hidden|display: ?none")

COMMENTS = 1 << 5  # remarks of readers, and whole other articles that are loaded when one scrolls down
_COMMENTS_ID = re.compile("^(?:[Cc]omment(?!ary)|comol|disqus_thread|dsq-comments)|mvp-post-add-(?:box|wrap)")
_COMMENTS_CLASS = re.compile(
    "^[Cc]omment(?!ary)|(?:article|post)-comments|mvp-post-add-(?:box|wrap)|elementor-share-buttons"
)

# Where to look for the main text: five kinds of place, the likeliest first, as bits.
RANKED = ARTICLE_BODY, ARTICLE, STORY, CONTENT, MAIN = tuple(1 << place for place in range(5))
_HOLD_MAIN_TEXT = frozenset(("div", "section", "article", "main"))
_READ_FOR_COMMENTS = frozenset(("div", "section", "details", "ol", "ul"))
PLACES = sorted(_HOLD_MAIN_TEXT | _READ_FOR_COMMENTS)
_ARTICLE_BODY = "article__content|article(?:-|__)?body|articleBody|body-text"
_ARTICLE_BODY_ID = re.compile(f"^articleContent$|(?:entry|article|art)-content|{_ARTICLE_BODY}")
_ARTICLE_BODY_CLASS = re.compile(
    f"^(?:post|entry)$|post[-_]text|post-body|post-?entry|post[-_]?content|postContent|post_inner_wrapper|article-?text"
    f"|articleText|(?:entry|page|text|article|art)-content|{_ARTICLE_BODY}|ArticleContent|article__container"
)
_STORY_ID = re.compile("^(?:article|story)$|^primary|story-body")
_STORY_CLASS = re.compile(
    "^(?:postarea|art-postcontent|text|cell|story)$|^article |[Ff]ull[Tt]ext|post-bodycopy|story-?content|single-post"
    "|(?:theme|blog|section|single)-content|main-column|wpb_text_column|story-body|field-body"
)
_CONTENT_ID = re.compile("^content$|content-main|content-body|contentBody|[Mm]ain-[Cc]ontent")
_CONTENT_CLASS = re.compile("^content$|content[-_]main|content(?:-|__)body|[Mm]ain-[Cc]ontent|[Pp]age-[Cc]ontent")


# Where no element is named, nothing is looked up; and of a name, only its first characters are.
_LONGEST = 300


def is_unwanted(element: _Element) -> bool:
    """Whether the page says that an element is hidden, or that it stands around the main text."""
    get = element.get
    id_, class_ = (get("id") or "")[:_LONGEST], (get("class") or "")[:_LONGEST]
    named = element.tag in NAMED
    return (
        bool((id_ or class_) and (_is_hidden(id_, class_) or (named and _is_around(id_, class_))))
        or bool((style := get("style")) and _HIDDEN_STYLE.search(style))
        or get("aria-hidden") == "true"
        or (named and "nav" in (get("role") or "").lower())
    )


def kinds_of_place(element: _Element) -> int:
    """All kinds of place that one of `PLACES` is by its tag, name and role, as bits; `COMMENTS` alone if it is that."""
    get = element.get
    tag: str = element.tag
    id_, class_ = (get("id") or "")[:_LONGEST], (get("class") or "")[:_LONGEST]
    kinds = _named_kinds(id_, class_) if id_ or class_ else 0
    if tag in _READ_FOR_COMMENTS and kinds & COMMENTS:
        return COMMENTS
    if tag not in _HOLD_MAIN_TEXT:
        return 0
    role: str = get("role") or ""
    part: str | None = get("itemprop")
    return (
        kinds & ~COMMENTS
        | ARTICLE * (tag == "article")
        | MAIN * (tag == "main" or role.startswith("main"))
        | STORY * (role == "article")
        | ARTICLE_BODY * (part == "articleBody")
    )


# Sites name things alike, so most names were seen before.
@lru_cache(maxsize=4096)
def _is_around(id_: str, class_: str) -> bool:
    # Where there is an id, `cookie` in the class may be what the text is about.
    return bool(_AROUND_ID.search(id_) or _AROUND_CLASS.search(class_) or "cookie" in (id_ or class_))


@lru_cache(maxsize=4096)
def _is_hidden(id_: str, class_: str) -> bool:
    return bool(_HIDDEN_ID.search(id_) or _HIDDEN_CLASS.search(class_))


@lru_cache(maxsize=4096)
def _named_kinds(id_: str, class_: str) -> int:
    return (
        ARTICLE_BODY * bool(_ARTICLE_BODY_ID.search(id_) or _ARTICLE_BODY_CLASS.search(class_))
        | STORY * bool(_STORY_ID.search(id_) or _STORY_CLASS.search(class_))
        | CONTENT * bool(_CONTENT_ID.search(id_) or _CONTENT_CLASS.search(class_))
        | MAIN * (id_.startswith("main") or class_.startswith("main"))
        | COMMENTS * bool(_COMMENTS_ID.search(id_) or _COMMENTS_CLASS.search(class_))
    )
