"""The printed handover: what the PDF says is what the screen says, on one page, as text, whatever a name holds."""

import dataclasses
import datetime as dt
import hashlib
import html
import io
import json
import re
import shutil
from pathlib import Path

import pytest
from pypdf import PdfReader
from streamlit.testing.v1 import AppTest

from khemon.actions import watch
from khemon.actions.handover import handover_of_patient, handover_of_ward, patient_sheet, ward_sheet
from khemon.actions.viewing import who_saw
from khemon.figures.style import LIGHT
from khemon.figures.words import INTENDED_USE, SYNTHETIC_WORDS
from khemon.gate import running
from khemon.models import Actor, Refused
from khemon.reports import apart, printed
from khemon.reports.chart import timeline_svg
from khemon.reports.glyphs import NAME, TEXT, font_folder, printable, shown
from khemon.settings import Settings
from khemon.store import Store
from khemon.ui.parts import handover_parts, patient_parts
from khemon.ui.parts.session import Session
from tests.shell import khemon
from tests.test_accounts import with_account
from tests.wards import ACTOR, TIMEZONE, Files, bring, rebound, small_ward

ROOT = Path(__file__).resolve().parents[1]
NOW = dt.datetime(2026, 11, 21, 7, 15, tzinfo=dt.UTC)
AS_OF = "21 Nov 2026 08:15"
#: Markup of the typesetter, of the chart and of the web; none of it may be anything but a name.
HOSTILE = r'#read("/etc/passwd") #panic() \] ] $x^2$ *bold* `raw` @cite <img src=x> &amp; // no comment'
LONG = f"{HOSTILE} {'Long' * 200}"


def crowded() -> Files:
    """The small ward, with a child of 2,000 results, 60 alerts and much else, and children with names of all kinds."""
    files = small_ward(NOW)
    for number, name in enumerate((HOSTILE, "李小明", "Мария Ильина", "علي 12", "a\u202eb")):
        files.child(f"N{number}", name)
        files.panel(f"N{number}", 5, "8", "0.7", ">20", "77")
    files.child("Crowd", LONG, "2025-01-15")
    for day in range(498, 0, -1):
        low = day % 8 < 4
        files.panel("Crowd", 24 * day, "8" if low else "240", "0.4" if low else "2.6", ">20", "57" if low else "120")
    files.event("Crowd", "other_drug", 40, 2, "1", "mg", "$x$ #read")
    for day in range(1, 60):
        files.event("Crowd", "plasma", 24 * day + 20)
        files.lab("Crowd", 24 * day + 1, "platelets", "99999")
    return files


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('handover') / 'khemon.db'}")
    bring(store, crowded())
    yield store
    store.close()


class Print:
    """A printed page as a reader sees it: the text of each page, and of all, spaces as one."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.pages = [flat(page.extract_text()) for page in PdfReader(io.BytesIO(content)).pages]
        self.text = " ".join(self.pages)

    def says(self, words: str) -> bool:
        """Whether it says it, wherever lines are broken."""
        return flat(words).replace(" ", "") in self.text.replace(" ", "")


def flat(text: str) -> str:
    return " ".join(text.split())


def view_of(store: Store, patient_id: str, as_of: dt.datetime = NOW) -> watch.PatientView:
    with store.reading() as reader:
        key = reader.patient_numbers()[patient_id]
    return watch.patient_view(store, ACTOR, key, as_of)


def print_of(store: Store, patient_id: str) -> Print:
    return Print(handover_of_patient(store, ACTOR, patient_id, as_of=NOW, now=NOW).content)


@pytest.fixture(scope="module")
def critical(store) -> Print:
    return print_of(store, "A-critical")


@pytest.fixture(scope="module")
def crowd(store) -> watch.PatientView:
    """What the screen says of the child with 2,000 results, here with 60 alerts."""
    view = view_of(store, "Crowd")
    states = ["open"] * 3 + ["acknowledged"] * 3 + ["resolved"] * 54
    lines = [view.alerts[number % len(view.alerts)] for number in range(len(states))]
    told = enumerate(zip(lines, states, strict=True))
    alerts = (dataclasses.replace(line, state=state, alert_id=n, muted_by="") for n, (line, state) in told)
    return dataclasses.replace(view, alerts=tuple(alerts))


@pytest.fixture(scope="module")
def crowded_print(crowd) -> Print:
    return Print(printed(patient_sheet(crowd, ACTOR, NOW, NOW, "30 d")))


@pytest.fixture(scope="module")
def ward(store) -> Print:
    return Print(handover_of_ward(store, ACTOR, None, as_of=NOW, now=NOW).content)


def words_of(markup: str) -> str:
    return flat(html.unescape(re.sub(r"<[^>]+>", " ", markup)))


# ---- the page of a child --------------------------------------------------------------------------------------


def test_the_page_says_who_as_of_when_by_which_protocol_and_what_it_is_for(critical):
    assert len(critical.pages) == 1
    for words in (
        "Ada Critical", "id A-critical · born 15 Jan 2026 · 10 mo · female · KHE · W1, on the ward", f"As of {AS_OF}",
        f"Ward time ({TIMEZONE}). Judged by Ward protocol, version 1.", SYNTHETIC_WORDS, INTENDED_USE,
    ):  # fmt: skip
        assert words in critical.text, words
    assert critical.says(f"Printed {AS_OF} by Tester") and critical.text.endswith("1 of 1")


def test_the_page_says_what_the_screen_says(store, critical):
    view = view_of(store, "A-critical")
    identity = patient_parts.identity_bar(view.identity)
    screen = [words_of(fact) for fact in re.findall(r"<(?:span|h1).*?</(?:span|h1)>", identity)]
    screen += [f"critical: {view.sentence}"]
    for title, flag in view.answers:
        screen += [title, flag.word, flag.why]
    for cell in view.cells:
        screen += [cell.value, cell.flag.word, cell.change, cell.age, *cell.remarks]
    for title, clock in view.clocks:
        screen += [title, clock.words, *clock.facts]
    for line in view.alerts:
        screen += [line.text, line.since, line.age, line.muted_by or line.state]
    for event in view.events:
        screen += [event.start, event.kind, event.dose, event.note]
    assert len(screen) > 40
    missing = [words for words in screen if not critical.says(words)]
    assert not missing


def test_the_chart_is_drawn_from_the_numbers_of_the_screen_and_its_words_are_text(store, critical):
    view = view_of(store, "A-critical")
    assert patient_sheet(view, ACTOR, NOW, NOW, "30 d").timeline == view.timeline
    for panel in view.timeline.panels:
        for words in (panel.axis.title, panel.axis.unit, *(line.label for line in panel.action_lines)):
            assert critical.says(words), words
    for lane in view.timeline.lanes:
        assert critical.says(lane), lane


def test_every_mark_of_the_window_is_drawn_once_and_alike_each_time(crowd):
    data = crowd.timeline
    drawn = timeline_svg(data, LIGHT)
    groups = re.findall(r'<g id="marks-([a-z_]+)-\d+">(.*?)</g>\s*</g>', drawn, flags=re.S)
    for panel in data.panels:
        inside = [mark for mark in panel.marks if mark.at >= data.start]
        assert sum(body.count("<use") for name, body in groups if name == panel.analyte) == len(inside) > 20
    assert drawn == timeline_svg(data, LIGHT)


def test_an_empty_window_is_said_to_be_empty(crowd):
    empty = dataclasses.replace(crowd.timeline, panels=(), lanes=(), bars=(), dots=())
    assert "No results or events in this stretch of time." in timeline_svg(empty, LIGHT)


def test_a_crowded_child_stays_on_one_page_and_what_has_no_room_is_counted(store, crowd, crowded_print):
    made = crowded_print
    assert len(made.pages) == 1
    assert made.says(f"{HOSTILE} LongLong") and "(cut; whole on the screen)" in made.text
    with store.reading() as reader:
        assert len(reader.results_of("Crowd")) >= 1990
    assert len(crowd.held) == 59 and len(crowd.events) == 60
    assert "Alerts: 60, not over: 6" in made.text and "what happened: 60" in made.text
    listed = made.text.count("acknowledged"), made.text.count("resolved"), made.text.count("held, not judged:")
    older = [int(number) for number in re.findall(r"and (\d+) older, see the screen", made.text)]
    assert older[0] == 60 - 6 - listed[1] and older[1] == 59 - listed[2] and 0 < older[2] <= 58
    assert listed[0] == 3 and made.text.endswith("1 of 1")


# ---- the ward list --------------------------------------------------------------------------------------------


def test_the_ward_list_says_what_the_ward_page_says_in_its_order_on_every_page(store, ward):
    board = watch.ward_board(store, ACTOR, NOW)
    known = [line for line in board.on_ward if not line.patient_id.startswith(("N", "F"))]
    places = [ward.text.index(line.name[:9]) for line in known]
    assert places == sorted(places) and len(known) >= 6
    for line in known:
        told = [line.tier_words, line.tier_why, line.kmp.word, line.kmp.why, line.clock.words, line.age]
        told += [words for cell in line.cells.values() for words in (cell.value, cell.flag.word, cell.age)]
        assert not [words for words in told if not ward.says(words)]
    assert len(ward.pages) > 1
    for number, page in enumerate(ward.pages, start=1):
        assert f"As of {AS_OF}" in page and "All wards" in page and "Platelets 10⁹/L" in page
        assert INTENDED_USE in page and page.endswith(f"{number} of {len(ward.pages)}")
    assert "In follow-up, not in these rows: 1." in ward.text


def test_the_list_of_a_ward_holds_its_children_and_those_without_a_ward(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'own.db'}")
    files = Files(NOW)
    rebound(files, "No-ward")
    files.child("Ours", "Ours")
    files.panel("Ours", 5, "150")
    files.child("Theirs", "Theirs")
    files.patients[-1] = (*files.patients[-1][:5], "W2", *files.patients[-1][6:])
    files.panel("Theirs", 5, "150")
    bring(store, files, synthetic=False)
    board = watch.ward_board(store, ACTOR, NOW)
    sheet = ward_sheet(board, "W1", {"Ours", "No-ward"}, ACTOR, NOW, NOW)
    assert {row.name for row in sheet.rows} == {"Ours", "No-ward"}
    made = Print(handover_of_ward(store, ACTOR, "W1", as_of=NOW, now=NOW).content)
    assert "Ours" in made.text and "No-ward" in made.text and "Theirs" not in made.text
    assert SYNTHETIC_WORDS not in made.text
    with pytest.raises(Refused, match="no child is on a ward of that name"):
        handover_of_ward(store, ACTOR, "W9", as_of=NOW, now=NOW)
    with store.reading() as reader:
        seen = {row.object for row in reader.audit_rows() if row.action == "view_patient"}
    assert seen == {"patient Ours", "patient No-ward"}
    store.close()


# ---- what a name may hold -------------------------------------------------------------------------------------


def test_text_from_outside_is_printed_as_text(ward, crowded_print):
    for made in (ward, crowded_print):
        assert made.says(HOSTILE) and "root:" not in made.text
    assert crowded_print.says("drug 1 mg · until 21 Nov 2026 06:15 · $x$ #read") and crowded_print.says(
        "$x$ #read 1 mg"
    )


def test_letters_that_the_print_has_are_printed_and_others_say_so_instead_of_boxes(ward):
    assert ward.says("Мария Ильина")
    assert ward.text.count(NAME) == 2
    assert "李" not in ward.text


@pytest.mark.parametrize("text", ["李小明", "a\u202eb", "a\x07b", "smile \U0001fac0", "한글"])
def test_what_the_print_cannot_show_says_so(text):
    assert printable({"name": text, "facts": [text]}, shown()) == {"name": NAME, "facts": [TEXT]}


@pytest.mark.parametrize(
    "text", ["Zoë", "Zoe\u0308", "Мария", "علي", "Ελένη", "≥ 5 × 10⁹/L → ↓ ◆ ▲ ● µ °", "", None, 3]
)
def test_what_the_print_can_show_stays(text):
    assert printable([text], shown()) == ["Zoë" if text == "Zoe\u0308" else text]


def test_a_site_brings_fonts_for_its_own_letters(store, tmp_path):
    letter = "\u2322"
    assert letter not in shown()
    shutil.copy(font_folder() / "STIXGeneral.ttf", tmp_path)
    view = view_of(store, "E-running")
    named = dataclasses.replace(view, identity=dataclasses.replace(view.identity, name=f"Eva {letter}"))
    sheet = patient_sheet(named, ACTOR, NOW, NOW, "30 d")
    assert Print(printed(sheet, tmp_path)).says(f"Eva {letter}")


# ---- who, and on record ---------------------------------------------------------------------------------------


def test_each_page_is_on_record_with_its_digest_and_the_same_page_is_the_same_bytes(store, critical):
    made = handover_of_patient(store, ACTOR, "A-critical", as_of=NOW, now=NOW)
    assert made.content == critical.content and "A-critical" not in made.name and "Ada" not in made.name
    with store.reading() as reader:
        last = [row for row in reader.audit_rows() if row.action == "handover_patient"][-1]
        seen = who_saw(reader, "A-critical")
    assert (last.actor, last.object) == (ACTOR.name, "patient A-critical")
    assert json.loads(last.details)["files"] == [{"file": made.name, "sha256": made.sha256}]
    assert [each["actor"] for each in seen] == [ACTOR.name]


def test_only_who_may_export_prints_and_only_children_of_the_own_wards(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'own.db'}")
    bring(store, small_ward(NOW))
    times = {"as_of": NOW, "now": NOW}
    viewer = with_account(store, "Vic", ["viewer"])
    elsewhere = with_account(store, "Eve", ["clinician"], wards=["W2"])
    for act in (
        lambda: handover_of_patient(store, viewer, "A-critical", **times),
        lambda: handover_of_ward(store, viewer, None, **times),
        lambda: handover_of_patient(store, elsewhere, "A-critical", **times),
        lambda: handover_of_ward(store, elsewhere, "W1", **times),
    ):
        with pytest.raises(Refused):
            act()
    assert handover_parts.ward_links(Session(store, viewer, NOW), 0) == ""
    store.close()


def test_a_page_that_takes_too_long_or_dies_is_refused_in_words(store, monkeypatch):
    sheet = patient_sheet(view_of(store, "A-critical"), Actor(name="x", kind="local"), NOW, NOW, "30 d")
    monkeypatch.setattr(apart, "MEMORY_MB", 60)
    with pytest.raises(Refused, match="could not be printed"):
        printed(sheet)
    monkeypatch.setattr(apart, "SECONDS", 0)
    with pytest.raises(Refused, match="takes more than"):
        printed(sheet)


# ---- the pages ------------------------------------------------------------------------------------------------


def test_the_pages_hand_out_links_that_make_a_pdf_once(store):
    key = view_of(store, "B-rebound").identity.key
    with running.over(store, Settings(mode="demo", database_url=store.url)) as place:
        session = place.sessions.open(ACTOR)[1]
        page = AppTest.from_file(str(ROOT / "khemon/ui/main.py"), default_timeout=60)
        page.user = {"session": session.reference}
        [link] = links(page.run())
        offer = place.downloads.take(session, link)
        assert (offer.kind, offer.name) == ("application/pdf", "handover-ward.pdf")
        assert place.downloads.take(session, link) is None
        assert offer.make().startswith(b"%PDF-")
        page.switch_page("../../pages/patient.py")
        page.query_params["patient"] = str(key)
        [link] = links(page.run())
        offer = place.downloads.take(session, link)
        assert (offer.kind, offer.name) == ("application/pdf", f"handover-{key}.pdf")


def links(page: AppTest) -> list[str]:
    """The tokens of the links to a print."""
    assert not page.exception, page.exception
    drawn = "".join(element.proto.body for element in page.get("html"))
    return re.findall(r'href="download/([^"]+)">Handover PDF', drawn)


# ---- the command ----------------------------------------------------------------------------------------------


def test_the_command_writes_a_new_file_as_of_a_time_and_never_over_another(store, tmp_path):
    out = tmp_path / "bea.pdf"
    asked = ("handover", "--patient", "B-rebound", "--out", out, "--db", store.url)
    said = khemon(*asked, "--as-of", "2026-11-18T08:15", "--json")
    assert said.code == 0, said.err
    [file] = said.document["files"]
    assert file == {"file": "bea.pdf", "sha256": hashlib.sha256(out.read_bytes()).hexdigest()}
    assert said.document["as_of"] == "2026-11-18T08:15:00+01:00"
    assert out.stat().st_mode & 0o777 == 0o600
    made = Print(out.read_bytes())
    assert "As of 18 Nov 2026 08:15" in made.text and "LOOKED BACK" in made.text
    assert "180 ±0 in 7 d" in made.text and "Platelets 81" not in made.text
    again = khemon(*asked)
    assert again.code == 2 and "is there already" in again.err


@pytest.mark.parametrize("asked", [(), ("--patient", "B-rebound", "--ward", "W1"), ("--patient", "nobody")])
def test_the_command_wants_one_child_or_one_ward_that_is_there(store, tmp_path, asked):
    said = khemon("handover", *asked, "--out", tmp_path / "x.pdf", "--db", store.url)
    assert said.code == 2
    assert not (tmp_path / "x.pdf").exists()
