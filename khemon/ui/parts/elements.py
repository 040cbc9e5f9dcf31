"""HTML that shows text as text: every child that is not already markup is escaped, whoever wrote it."""

from __future__ import annotations

import re
from html import escape

import streamlit as st

from khemon.figures.style import SIGNS


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        """The text as it is: Streamlit straightens the margins of any other, which takes longer than a whole page."""
        return str(self)


Child = str | None
_VOID = {"img", "br", "hr"}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=&@/])")


def el(tag: str, *children: Child, **attributes: str | None) -> Markup:
    """One element. `class_` is class, `data_x` is data-x; attributes and children are escaped, None is left out."""
    named = ((name.rstrip("_").replace("_", "-"), value) for name, value in attributes.items() if value is not None)
    opening = "".join(f' {name}="{escape(value)}"' for name, value in named)
    if tag in _VOID:
        return Markup(f"<{tag}{opening}>")
    return Markup(f"<{tag}{opening}>{join(*children)}</{tag}>")


def join(*children: Child) -> Markup:
    """Children one after the other, escaped unless they are markup."""
    return Markup("".join(child if isinstance(child, Markup) else escape(child) for child in children if child))


def show(*children: Child) -> None:
    """Put HTML on the page; nothing when there is nothing."""
    body = join(*children)
    if body:
        st.html(body)


def plain(text: str) -> str:
    """Text for labels that read Markdown, so that it shows as it stands: no emphasis, link, image, icon or formula."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def sign(severity: str | None, words: str | None = None, *, quiet: bool = False) -> Markup:
    """A severity as sign, word and color; just the words when there is none."""
    if severity is None:
        return el("span", words, class_="k-none") if words else Markup("")
    told = words if words is not None else severity
    mark = el("span", SIGNS[severity], class_="k-mark", aria_hidden="true")
    name = "" if severity in told else el("span", f"{severity}: ", class_="k-heard")
    return el("span", mark, name, told, class_=f"k-sign k-{severity}{' k-quiet' if quiet else ''}")


def table(head: list[str], rows: list[list[Child]], class_: str = "", label: str | None = None) -> Markup:
    """A plain table; column classes are k-c0, k-c1, … A table that scrolls can be reached by keyboard."""
    top = el("tr", *(el("th", words, scope="col", class_=f"k-c{number}") for number, words in enumerate(head)))
    body = (el("tr", *(el("td", cell, class_=f"k-c{n}") for n, cell in enumerate(row))) for row in rows)
    made = el("table", el("thead", top), el("tbody", *body), class_=f"k-table {class_}".strip())
    return el("div", made, class_="k-scroll", role="region", tabindex="0", aria_label=label or ", ".join(head))
