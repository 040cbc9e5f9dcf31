"""`khemon review` and `khemon move` as a person uses them, and two people at once."""

import pytest

from khemon.store import Store
from tests.held_rows import brought, labs, standing, waiting
from tests.shell import khemon, sqlite, started

FILE = labs(
    "P1,2026-03-10T06:00:00Z,platelets,27000,10*9/L",
    "P1,2026-03-10,fibrinogen,1.2,g/L",
    "P1,2026-03-10T06:00:00Z,hemoglobin,80,g/L",
    "P2,2026-03-10T06:00:00Z,hemoglobin,90,g/L",
    "P2,2026-03-10T06:00:00Z,sirolimus,9,bananas",
)


@pytest.fixture
def url(tmp_path):
    store = Store(sqlite(tmp_path))
    brought(store, FILE)
    store.close()
    return sqlite(tmp_path)


def rows(url) -> dict[str, int]:
    document = khemon("review", "--db", url, "--json").document
    return {row["text"].split()[0]: row["row"] for group in document["groups"] for row in group["rows"]}


def test_the_list_says_what_waits_and_why_and_leaves_with_one(url):
    said = khemon("review", "--db", url, "--json")
    assert (said.code, said.err) == (1, "")
    document = said.document
    assert (document["waiting"], document["unusable"], document["moved"]) == (2, 1, [])
    by_text = {row["text"]: (group, row) for group in document["groups"] for row in group["rows"]}
    group, row = by_text["1.2 g/L"]
    assert (group["file"], group["analyte"], group["can_confirm"], row["needs"]) == (
        "labs.csv",
        "Fibrinogen",
        False,
        ["collected_at"],
    )
    group, row = by_text["27000 10*9/L"]
    assert (group["can_confirm"], row["understood"], row["where"]) == (True, "platelets 27000 ×10⁹/L", "row 2")
    plain = khemon("review", "--db", url)
    assert plain.code == 1
    assert "27000" in plain.out


def test_rows_are_decided_from_the_command_line(url):
    asked = rows(url)
    said = khemon(
        "review", "correct", asked["27000"], "--unit", "/uL", "--reason", "per microliter", "--db", url, "--json"
    )
    assert (said.code, said.document["counts"]) == (0, {"read": 1, "accepted": 1})
    said = khemon("review", "confirm", asked["1.2"], "--reason", "as read", "--db", url, "--json")
    assert (said.code, said.out) == (2, "")
    assert "collected_at" in said.err
    at = ("--collected-at", "2026-03-10T06:00")
    assert khemon("review", "correct", asked["1.2"], *at, "--reason", "list", "--db", url).code == 0
    assert khemon("review", "reject", asked["9"], "--reason", "no such level", "--db", url).code == 0
    said = khemon("review", "--db", url)
    assert (said.code, said.out.splitlines()[1:]) == (0, [])


def test_a_dry_run_keeps_nothing(url):
    asked = rows(url)
    said = khemon("review", "reject", asked["27000"], "--reason", "why", "--dry-run", "--db", url, "--json")
    assert (said.code, said.document["committed"], rows(url)) == (0, False, asked)


@pytest.mark.parametrize(
    "arguments",
    [
        ("confirm", "1", "--reason", "x"),
        ("confirm",),
        ("confirm", "abc", "--reason", "x"),
        ("reject", "99999999999999999999", "--reason", "x"),
        ("correct", "1", "--reason", "x"),
        ("correct", "1", "--reason", "x", "--set", "nothing"),
        ("unknown",),
    ],
)
def test_wrong_usage_changes_nothing(url, arguments):
    before = rows(url)
    said = khemon("review", *arguments, "--db", url, "--json")
    assert (said.code, said.out) == (2, "")
    assert rows(url) == before


def test_a_result_is_listed_and_moved_from_the_command_line(url):
    [found] = khemon("move", "--from", "P1", "--db", url, "--json").document["results"]
    said = khemon("move", "--from", "P1", "--to", "P2", found["result"], "--reason", "swapped", "--db", url, "--json")
    assert said.code == 1, "the right patient has another value at that time: it waits"
    assert said.document["counts"] == {"read": 2, "accepted": 1, "conflict": 1}
    again = khemon("move", "--from", "P1", "--to", "P2", found["result"], "--reason", "swapped", "--db", url, "--json")
    assert (again.code, again.document["repeated"]) == (0, True)
    assert khemon("move", "--from", "P1", "--db", url, "--json").document == {"results": []}


@pytest.mark.parametrize(
    "arguments",
    [("--from", "P1", "1"), ("--from", "X"), ("--from", "P1", "--to", "P2", "1", "--batch", "x"), ()],
)
def test_a_move_that_is_not_clear_is_wrong_usage(url, arguments):
    said = khemon("move", *arguments, "--reason", "x", "--db", url, "--json")
    assert (said.code, said.out) == (2, "")


def test_of_two_people_deciding_one_row_at_once_the_second_is_told_of_the_first(store, store_url, tmp_path):
    brought(store, FILE)
    row = waiting(store)["27000"]
    acts = [("confirm", row, "--reason", "as read"), ("reject", row, "--reason", "not hers")] * 2
    told = [tmp_path / f"said-{number}" for number in range(len(acts))]
    environment = {"KHEMON_DATABASE_URL": store_url}
    running = [
        started("review", *act, env=environment, cwd=tmp_path, errors=errors)
        for act, errors in zip(acts, told, strict=True)
    ]
    said = [(process.ended(120), errors.read_text("utf-8")) for process, errors in zip(running, told, strict=True)]
    assert sorted(code for code, _ in said) == [0, 2, 2, 2]
    refused = [err for code, err in said if code]
    assert all("was decided by" in err and f"row {row}" in err for err in refused), refused
    with store.reading() as reader:
        assert len(reader.decisions()) == 1
        assert [entry.action for entry in reader.audit_rows()].count("review_confirm") in (0, 1)
    assert len([one for one in standing(store, "P1") if one[0] == "platelets"]) in (0, 1)
