"""What the stages measured: histograms with their limits, and what a limit moved a little would change."""

from collections.abc import Mapping
from typing import Any

from .account import bare, facts
from .charts import bars, beyond, histogram
from .page import line, table
from .plain import count, figure, one_line, plural, share

MOST_SIGNALS = 120


def signals(version: Mapping[str, Any]) -> str:
    found = [one for one in facts(version).get("signals") or [] if one.get("counts")]
    if not found:
        return ""
    legend = (
        '<p class="quiet"><span class="dot kept"></span>kept <span class="dot gone"></span>on the dropped side. '
        "A row beyond several limits counts for the first reason only, so more may be beyond than were dropped.</p>"
    )
    drawn = f'{legend}<div class="grid">{"".join(_signal(one) for one in found[:MOST_SIGNALS])}</div>'
    if len(found) > MOST_SIGNALS:
        drawn += f"<p>{plural(len(found) - MOST_SIGNALS, 'more signal')} left out here; version.json has them all.</p>"
    return drawn


def _signal(one: Mapping[str, Any]) -> str:
    signal = bare(one["stage"], one["signal"])
    edges, counts, rules = one["edges"], one["counts"], one.get("rules") or []
    said = []
    for rule in rules:
        field = f" ({line(rule['field'])})" if rule.get("field") else ""
        verb = {"below": "below", "above": "above"}.get(rule["kind"])
        if verb is None:
            continue
        n, exact = beyond(rule, edges, counts)
        outside = "" if edges[0] <= rule["limit"] <= edges[-1] else ", outside the picture"
        said.append(
            f"<p><b>{line(bare(one['stage'], rule['reason']))}</b>: {verb} {figure(rule['limit'])}{field}{outside}; "
            f"{'' if exact or not n else 'about '}{count(n)} beyond ({share(n, sum(counts))})</p>"
        )
    missing = one.get("documents", 0) - sum(counts)
    if missing > 0:
        said.append(f'<p class="quiet">{plural(missing, "row")} without a value</p>')
    if not rules:
        said.append('<p class="quiet">measured; decides nothing</p>')
    drawn = histogram(one_line(signal), edges, counts, rules)
    heading = f"<small>{line(one['stage'])}</small><h3>{line(signal)}</h3>"
    return f"<figure><figcaption>{heading}{''.join(said)}</figcaption>{drawn}</figure>"


def categories(version: Mapping[str, Any]) -> str:
    drawn = ""
    for one in (facts(version).get("categories") or [])[:MOST_SIGNALS]:
        gone: set[str] = set()
        for rule in one.get("rules") or []:
            if rule["kind"] == "outside":
                gone |= {value for value in one["counts"] if value not in rule["limit"]}
            elif rule["kind"] == "flagged":
                gone |= {"true"}
        if all(rule["kind"] == "flagged" for rule in one.get("rules") or [{"kind": ""}]) and not gone & set(
            one["counts"]
        ):
            continue  # a question that every row answered with no
        caption = f"{one_line(bare(one['stage'], one['signal']))}, by {one_line(one['stage'])}"
        drawn += bars(caption, one["counts"], frozenset(gone))
    return drawn


def moves(version: Mapping[str, Any]) -> str:
    """One table per stage: what each limit moved by 1, 5 and 10 % would change."""
    entries = [one for one in facts(version).get("moves") or [] if one.get("moved")]
    if not entries:
        return ""
    steps = sorted({move["step"] for one in entries for move in one["moved"]})
    signed = [f"{100 * step:+.0f} %".replace("-", "\u2212") for step in steps]
    under = sum(step < 0 for step in steps)
    header = ["rule", *signed[:under], "limit", *signed[under:]]
    drawn = (
        '<p class="quiet">Each limit is moved alone, over the stored measurements; whole numbers move by one at least. '
        "<b>\u2212</b> rows that are kept now and would be dropped; <b>+</b> rows that this rule alone drops and that "
        "would pass. Duplicates were not looked for again.</p>"
    )
    for stage in dict.fromkeys(str(one["stage"]) for one in entries):
        own = [one for one in entries if str(one["stage"]) == stage][:MOST_SIGNALS]
        passing = "would be kept" if all(one.get("kept") for one in own) else "would reach the next stage"
        rows, still = [], []
        for one in own:
            if not any(move["more"] or move["fewer"] for move in one["moved"]):
                still.append(line(bare(stage, one["reason"])))
                continue
            cells = {move["step"]: _moved(move) for move in one["moved"]}
            now = f"<b>{figure(one['limit'])}</b>"
            beside = [cells.get(step, "") for step in steps]
            field = f"<br><small>{line(one['field'])}</small>" if one.get("field") else ""
            rows.append([f"{line(bare(stage, one['reason']))}{field}", *beside[:under], now, *beside[under:]])
        caption = f"{one_line(stage, 60)}; +: rows that {passing}"
        drawn += table(caption, header, rows, right=range(1, len(header)), kind="moves") if rows else ""
        said = f"{line(stage)}: no row changes sides by moving {', '.join(still)}."
        drawn += f'<p class="quiet">{said}</p>' if still else ""
    return drawn


def _moved(move: Mapping[str, Any]) -> str:
    """The limit, and under it the rows that change sides."""
    changed = [f"+{count(move['more'])}"] if move["more"] else []
    changed += [f"\u2212{count(move['fewer'])}"] if move["fewer"] else []
    kind = "none" if not changed else "more" if move["more"] else "fewer"
    return f'<small>{figure(move["limit"])}</small><br><span class="{kind}">{" ".join(changed) or "0"}</span>'


def if_moved(version: Mapping[str, Any], stage: str, reason: str) -> str:
    """One line on a rule for its examples, e.g. `At 45: 12 rows more would reach the next stage; at 55: 7 fewer`."""
    for one in facts(version).get("moves") or []:
        if one["stage"] == stage and bare(stage, one["reason"]) == reason and one.get("moved"):
            passing = "would be kept" if one.get("kept") else "would reach the next stage"
            ends = (one["moved"][0], one["moved"][-1])
            said = [f"at {figure(move['limit'])} {_in_words(move, passing)}" for move in ends]
            return f'<p class="measured">Limit {figure(one["limit"])}; {"; ".join(said)}.</p>'
    return ""


def _in_words(move: Mapping[str, Any], passing: str) -> str:
    changed = [f"{plural(move['more'], 'row')} more {passing}"] if move["more"] else []
    changed += [f"{plural(move['fewer'], 'kept row')} fewer"] if move["fewer"] else []
    return " and ".join(changed) or "no row changes sides"
