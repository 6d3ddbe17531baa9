"""Labelled sentences with secrets and look-alikes, all made up here from a seed, and how well the rules do on them."""

import base64
import random
import string
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl

from curation.measures import precision_recall_f1

from .find import Secret, anchored

SET = "gristmill's made-up secrets and look-alikes, revision 1"
PER_FORM = 6

# Forms as the issuers document them: {A36} stands for 36 random letters and digits, x for hex, U for A-Z and 2-7,
# L for a-z and digits, D for digits, B for base64, P for a password of mixed signs.
FORMS: Mapping[str, tuple[str, ...]] = {
    "aws-access-key-id": ("aws_access_key_id = AKIA{U16}", "export AWS_KEY=ASIA{U16}"),
    "aws-secret-access-key": ("aws_secret_access_key = {B40}", '"SecretAccessKey": "{B40}"'),
    "google-api-key": ("https://maps.example.com/api?key=AIza{A35}", "GOOGLE_KEY='AIza{A35}'"),
    "github-token": ("git clone https://ghp_{A36}@github.com/me/it", "GITHUB_TOKEN: gho_{A36}"),
    "github-fine-grained-token": ("token github_pat_{A22}_{A59}",),
    "gitlab-token": ("PRIVATE-TOKEN: glpat-{A20}",),
    "slack-token": ("slack = 'xoxb-{D12}-{D12}-{A24}'",),
    "slack-webhook": ("POST https://hooks.slack.com/services/T{U8}/B{U8}/{A24}",),
    "stripe-key": ("stripe.api_key = 'sk_live_{A24}'",),
    "sendgrid-key": ("SENDGRID=SG.{A22}.{A43}",),
    "npm-token": ("//registry.example.com/:_authToken=npm_{A36}",),
    "huggingface-token": ("login(token='hf_{Z34}')",),
    "anthropic-key": ("ANTHROPIC_API_KEY=sk-ant-api03-{A95}",),
    "openai-key": ("openai.key: sk-{A20}T3BlbkFJ{A20}",),
    "digitalocean-token": ("doctl auth -t dop_v1_{x64}",),
    "heroku-key": ("HEROKU_API_KEY={x8}-{x4}-{x4}-{x4}-{x12}",),
    "password-in-url": ("postgres://app:{P12}@db.internal:5432/main", "redis://:{P14}@cache:6379/0"),
    "private-key": ("-----BEGIN RSA PRIVATE KEY-----\n{B64}\n{B64}\n{B64}\n-----END RSA PRIVATE KEY-----",),
    "json-web-token": ("Cookie: session={J}",),
    "assigned-secret": ("password = '{P12}'", "DB_PASSWORD={P14}", "the admin password is: {P11}", 'api_key: "{x32}"'),
    "authorization-header": ("Authorization: Bearer {A40}",),
}
# What looks like one and is none.
HARMLESS = (
    "Your password: please choose one of at least eight letters.",
    "password = os.environ['DB_PASSWORD']",
    "api_key: ${API_KEY}",
    "token = get_token(user, expires=3600)",
    "commit {x40} by the release team",
    "sha256:{x64}  gristmill.tar.gz",
    "request id {x8}-{x4}-{x4}-{x4}-{x12} took 20 ms",
    "aws_access_key_id = AKIAIOSFODNN7EXAMPLE",
    "Authorization: Bearer <your token here>",
    "GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "see https://example.com:8080/path/@handle and http://user@example.org/",
    "the secret of good bread is time; the token of thanks was a loaf",
    "-----BEGIN CERTIFICATE-----\n{B64}\n{B64}\n-----END CERTIFICATE-----",
    "data:image/png;base64,{B64}{B64}",
    "ISBN {D13}, order no. {D10}, telephone {D11}",
    "if password != confirm_password: raise ValueError",
    "fn secret(token: TokenStream) -> Credential",
    "password=changeme",
    "Secrets: a novel in {D2} chapters",
    "let pwd = std::env::current_dir();",
)
_ALPHABETS = {
    "A": string.ascii_letters + string.digits,
    "B": string.ascii_letters + string.digits + "+/",
    "D": string.digits,
    "U": string.ascii_uppercase + "234567",
    "Z": string.ascii_letters,
    "x": "0123456789abcdef",
}
_BEFORE = ("", "Note to self, ", "In the log of Tuesday: ", "# config\n", "Größe 12 „zitiert“ 日本語: ", "{'a': 1}\n")
_AFTER = ("", " and so on.", "\nNext line.", " # rotate it", "\n\nRegards, the night shift")


@dataclass(frozen=True)
class Sentence:
    """A text, and the kind and place (code points, end exclusive) of each secret in it."""

    text: str
    secrets: tuple[tuple[str, int, int], ...]


@cache
def sentences() -> tuple[Sentence, ...]:
    """Every form a few times and as many look-alikes, always the same."""
    dice = random.Random(20261121)
    made = []
    for kind, forms in FORMS.items():
        for form in forms:
            for _ in range(PER_FORM):
                text, (start, end) = _filled(form, dice)
                before, after = dice.choice(_BEFORE), dice.choice(_AFTER)
                made.append(Sentence(before + text + after, ((kind, len(before) + start, len(before) + end),)))
    for form in HARMLESS:
        for _ in range(PER_FORM):
            made.append(Sentence(dice.choice(_BEFORE) + _filled(form, dice)[0] + dice.choice(_AFTER), ()))
    return tuple(made)


def measured(find: Callable[[str, list[int]], list[Secret]]) -> dict[str, Any]:
    """Precision, recall and F1 of `find` (text, byte offsets of anchors) on the sentences, by kind and over all.

    A secret counts as found when a span of any kind covers its random part; a span that touches none is false.
    """
    right: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    false: Counter[str] = Counter()
    offsets = anchored(pl.Series([one.text for one in sentences()], dtype=pl.String)).to_list()
    for one, anchors in zip(sentences(), offsets, strict=True):
        spans = find(one.text, anchors or [])
        for kind, start, end in one.secrets:
            covered = any(span.start <= start and span.end >= end for span in spans)
            (right if covered else missed)[kind] += 1
        for span in spans:
            if not any(span.start < end and span.end > start for _, start, end in one.secrets):
                false[span.kind] += 1
    results = [
        {"label": kind, "support": right[kind] + missed[kind]}
        | precision_recall_f1(right[kind], false[kind], missed[kind])
        for kind in sorted({*right, *missed, *false})
    ]
    every = {"label": "all", "support": right.total() + missed.total()}
    results.append(every | precision_recall_f1(right.total(), false.total(), missed.total()))
    return {"stage": "secrets", "set": SET, "rows": len(sentences()), "unit": "span", "results": results}


def _filled(form: str, dice: random.Random) -> tuple[str, tuple[int, int]]:
    """A form with its places filled in, and the first to last random character."""
    text, first = "", -1
    last = 0
    for piece in form.replace("{", "\0{").replace("}", "}\0").split("\0"):
        fill = _random(piece[1:-1], dice) if piece[:1] == "{" and _is_place(piece[1:-1]) else ""
        if fill:
            first = len(text) if first < 0 else first
            last = len(text) + len(fill)
        text += fill or piece
    return text, (max(first, 0), last)


def _is_place(inside: str) -> bool:
    return inside == "J" or (inside[:1] in {*_ALPHABETS, "P"} and inside[1:].isdigit())


def _random(place: str, dice: random.Random) -> str:
    if place == "J":
        head, body = ('{"alg":"HS256","typ":"JWT"}', f'{{"sub":"{dice.randrange(10**9)}"}}')
        parts = [base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in (head, body)]
        return ".".join([*parts, _random("A43", dice)])
    length = int(place[1:])
    if place[0] == "P":  # one of each sort, as password rules ask for
        sorts = [
            dice.choice("abcdefghkmnpqrstuvwxyz"),
            dice.choice("ABCDEFGHKLMNPQRSTUVW"),
            dice.choice("23456789"),
            "!",
        ]
        letters = sorts + [dice.choice(_ALPHABETS["A"]) for _ in range(length - len(sorts))]
        dice.shuffle(letters)
        return "".join(letters)
    return "".join(dice.choice(_ALPHABETS[place[0]]) for _ in range(length))
