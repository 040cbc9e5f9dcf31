"""The few forms outside Streamlit: sign-in, first password, other password. Plain HTML, no script."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from khemon.actions.accounts import LONGEST_NAME, LONGEST_PASSWORD, SHORTEST_PASSWORD

_STYLE = (
    ":root{color-scheme:light dark}body{font:1.05rem/1.5 system-ui,sans-serif;max-width:26rem;margin:12vh auto;"
    "padding:0 1rem}h1{font-size:1.5rem}label{display:block;margin:1rem 0 .25rem;font-weight:600}"
    "input{font:inherit;width:100%;box-sizing:border-box;padding:.55rem .6rem;border:1px solid #7d8894;"
    "border-radius:6px;background:Field;color:FieldText}button{font:inherit;font-weight:600;margin-top:1.4rem;"
    "padding:.6rem 1.4rem;border:0;border-radius:6px;background:#0b5cab;color:#fff;cursor:pointer}"
    "[role=alert]{border-left:4px solid #b3261e;padding:.5rem .8rem;margin:1rem 0;background:#b3261e18}"
    "p.quiet{color:GrayText;font-size:.92rem}"
)


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a form."""

    name: str
    label: str
    kind: str = "password"
    complete: str = "off"
    most: int = LONGEST_PASSWORD


NAME = Field("name", "Name", "text", "username", LONGEST_NAME)
PASSWORD = Field("password", "Password", complete="current-password")
CODE = Field("code", "Code", "text", "one-time-code", 64)
OLD = Field("old", "Present password", complete="current-password")
NEW = Field("new", f"New password ({SHORTEST_PASSWORD} signs or more)", complete="new-password")
AGAIN = Field("again", "New password once more", complete="new-password")


def form(
    title: str,
    action: str,
    fields: tuple[Field, ...],
    button: str,
    *,
    said: str = "",
    hidden: dict[str, str] | None = None,
    note: str = "",
    links: tuple[tuple[str, str], ...] = (),
    name: str = "",
) -> bytes:
    """A page with one form. said: what was wrong with the last try; name: what was typed as name then."""
    lines = [f"<p role=alert>{escape(said)}</p>"] if said else []
    lines.append(f'<form method=post action="{escape(action)}" autocomplete=on>')
    lines += [
        f'<input type=hidden name="{escape(key)}" value="{escape(value)}">' for key, value in (hidden or {}).items()
    ]
    for place, field in enumerate(fields):
        focus = " autofocus" if place == (1 if name and field is not NAME else 0) else ""
        value = f' value="{escape(name)}"' if field is NAME and name else ""
        lines.append(
            f'<label for="{field.name}">{escape(field.label)}</label>'
            f'<input id="{field.name}" name="{field.name}" type={field.kind} autocomplete="{field.complete}"'
            f" maxlength={field.most} required spellcheck=false autocapitalize=none{value}{focus}>"
        )
    lines.append(f"<button>{escape(button)}</button></form>")
    lines += [f'<p><a href="{escape(address)}">{escape(words)}</a></p>' for address, words in links]
    lines += [f"<p class=quiet>{escape(note)}</p>"] if note else []
    return page(title, "".join(lines))


def page(title: str, body: str) -> bytes:
    """A whole page; `body` is HTML."""
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<link rel=icon href=data:,><title>khemon: {escape(title)}</title><style>{_STYLE}</style>"
        f"<body><h1>{escape(title)}</h1>{body}"
    ).encode()
