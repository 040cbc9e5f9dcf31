"""What was not seen when expected, in the ward's words: no count for 61 h (trial: every 2 days)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from khemon.actions.watch.at import Looking
from khemon.actions.watch.urgency import by_urgency
from khemon.explain.further import unseen_words
from khemon.figures.words import HOUR
from khemon.models import Episode, Severity
from khemon.rules.further_rules import CountsDueRule, CourseRule, LevelsDueRule


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that was not seen when expected."""

    severity: Severity
    words: str
    rule: str


def due_words(at: Looking, episodes: Sequence[Episode]) -> tuple[Due, ...]:
    """What was not seen when expected, the gravest first."""
    found: list[Due] = []
    for episode in by_urgency(episodes):
        rule = at.protocol.rules.get(episode.rule)
        if isinstance(rule, CountsDueRule | LevelsDueRule):
            words = _not_seen(at, episode, in_full=isinstance(rule, CountsDueRule))
            found.append(Due(episode.severity, words, rule.name))
        elif isinstance(rule, CourseRule) and rule.without is not None:
            found.append(Due(episode.severity, "no prophylaxis recorded", rule.name))
    return tuple(found)


def _not_seen(at: Looking, episode: Episode, *, in_full: bool) -> str:
    """The head of the rule's own sentence, with the time that has passed by now."""
    head, _, rest = episode.text.partition(" (")
    since = _since(episode)
    if since is not None:
        head = f"{head.partition(' for ')[0]} for {unseen_words((at.now - since) // dt.timedelta(milliseconds=1))}"
    head = head[:1].lower() + head[1:]
    return f"{head} ({rest.partition(')')[0]})" if in_full and rest else head


def _since(episode: Episode) -> dt.datetime | None:
    """When it was last seen; None where that was not a result."""
    return episode.evidence[0].collected_at.astimezone(dt.UTC) if episode.evidence else None


def told_until(at: Looking, episodes: Sequence[Episode]) -> dt.datetime | None:
    """How long a rule's own sentence may stand for what is due where no result says since when; None: no matter."""
    own = [episode for episode in _due(at, episodes) if _since(episode) is None]
    return at.now + HOUR if own else None


def due_changes(at: Looking, episodes: Sequence[Episode]) -> list[dt.datetime]:
    """When the words of what is due change next: with every hour since it was last seen."""
    seen = [since for episode in _due(at, episodes) if (since := _since(episode)) is not None]
    return [since + ((at.now - since) // HOUR + 1) * HOUR for since in seen]


def _due(at: Looking, episodes: Sequence[Episode]) -> Iterator[Episode]:
    due = (CountsDueRule, LevelsDueRule)
    return (each for each in episodes if each.end is None and isinstance(at.protocol.rules.get(each.rule), due))
