"""How things look, the same on every page: palettes, severity signs, axes, lanes, short words. No clinical limit."""

from __future__ import annotations

from dataclasses import dataclass

from khemon.models import Severity


@dataclass(frozen=True, slots=True)
class Theme:
    """The colors of one theme. `wash_*` are quiet areas behind text or marks."""

    name: str
    page: str
    surface: str
    ink: str
    muted: str
    grid: str
    accent: str
    critical: str
    warning: str
    note: str
    fine: str
    wash_critical: str
    wash_warning: str
    wash_note: str
    drug: str
    product: str
    happening: str
    usual: str
    wash_drug: str

    def of(self, severity: str | None) -> str:
        """The color of a severity; ink when there is none."""
        return {"critical": self.critical, "warning": self.warning, "note": self.note}.get(severity or "", self.ink)

    def wash(self, severity: str | None) -> str:
        """The quiet area color of a severity."""
        washes = {"critical": self.wash_critical, "warning": self.wash_warning, "note": self.wash_note}
        return washes.get(severity or "", self.surface)


LIGHT = Theme(
    name="light",
    page="#ffffff",
    surface="#f5f7f9",
    ink="#17212b",
    muted="#556472",
    grid="#e3e8ed",
    accent="#0b5cab",
    critical="#b3261e",
    warning="#8a5000",
    note="#4a5f73",
    fine="#3c5a4a",
    wash_critical="#fbe9e7",
    wash_warning="#fdf1dc",
    wash_note="#edf1f5",
    drug="#5b7c99",
    product="#a0527a",
    happening="#7a6a4f",
    usual="#eef4ef",
    wash_drug="#d3dfea",
)
DARK = Theme(
    name="dark",
    page="#0e1117",
    surface="#171c24",
    ink="#e8edf2",
    muted="#9fb0c0",
    grid="#262d38",
    accent="#6cb2ff",
    critical="#ff8a80",
    warning="#ffc266",
    note="#a9bccd",
    fine="#9cc5ae",
    wash_critical="#3a1a1a",
    wash_warning="#33260f",
    wash_note="#1c2631",
    drug="#6f93b3",
    product="#c284a6",
    happening="#a89878",
    usual="#15211c",
    wash_drug="#2b3b4a",
)


def theme_called(name: str | None) -> Theme:
    """The theme of that name; light when the browser does not say."""
    return DARK if name == "dark" else LIGHT


#: A sign of its own for each severity, so that color is never the only difference.
SIGNS: dict[str, str] = {"critical": "◆", "warning": "▲", "note": "●"}
#: Most severe first.
SEVERITY_ORDER: tuple[Severity, ...] = ("critical", "warning", "note")


@dataclass(frozen=True, slots=True)
class Axis:
    """The vertical axis of an analyte's panel: the same for every patient unless a value lies outside."""

    title: str
    unit: str
    log: bool
    bottom: float
    top: float
    height: int
    ticks: tuple[float, ...]


AXES: dict[str, Axis] = {
    "platelets": Axis("Platelets", "10⁹/L", True, 1, 1000, 210, (0.1, 0.3, 3, 10, 30, 100, 300, 3000)),
    "fibrinogen": Axis("Fibrinogen", "g/L", False, 0, 5, 130, (0, 1, 2, 3, 4)),
    "d_dimer": Axis("D-dimer", "mg/L FEU", True, 0.1, 100, 130, (0.01, 0.1, 1, 10, 100, 1000)),
    "hemoglobin": Axis("Hemoglobin", "g/L", False, 30, 180, 120, (40, 80, 120, 160)),
    "sirolimus": Axis("Sirolimus", "ng/mL", False, 0, 30, 110, (0, 10, 20)),
}
#: The axes that are logarithmic, drawn linear.
LINEAR_AXES: dict[str, Axis] = {
    "platelets": Axis("Platelets", "10⁹/L", False, 0, 500, 210, (0, 100, 200, 300, 400, 500)),
    "d_dimer": Axis("D-dimer", "mg/L FEU", False, 0, 20, 130, (0, 5, 10, 15, 20)),
}

#: The lane of each kind of event, and the word on its mark. Lanes stand in the order of their first kind here.
LANES: dict[str, tuple[str, str]] = {
    "sirolimus": ("Sirolimus", "sirolimus"),
    "prednisolone": ("Prednisolone", "prednisolone"),
    "vincristine": ("Other drugs", "vincristine"),
    "pjp_prophylaxis": ("Other drugs", "PJP prophylaxis"),
    "other_drug": ("Other drugs", "drug"),
    "platelet_transfusion": ("Products", "platelets"),
    "plasma": ("Products", "plasma"),
    "cryoprecipitate": ("Products", "cryoprecipitate"),
    "fibrinogen_concentrate": ("Products", "fibrinogen concentrate"),
    "exchange_transfusion": ("Products", "exchange transfusion"),
    "red_cell_transfusion": ("Products", "red cells"),
    "active_bleeding": ("Bleeding", "bleeding"),
    "symptomatic_anemia": ("Bleeding", "symptomatic anemia"),
    "infection": ("Infection", "infection"),
    "procedure": ("Procedures, lesion", "procedure"),
    "lesion_change": ("Procedures, lesion", "lesion change"),
    "lesion_volume": ("Procedures, lesion", "lesion volume"),
    "adverse_event": ("Other", "adverse event"),
    "quality_of_life": ("Other", "quality of life"),
    "sequela": ("Other", "sequela"),
    "day0": ("Other", "day 0"),
    "arm": ("Other", "arm"),
    "discontinuation": ("Other", "discontinued"),
    "response_documented": ("Other", "response documented"),
    "death": ("Other", "death"),
    "transfer_out": ("Other", "transferred out"),
    "follow_up_end": ("Other", "follow-up ended"),
}
#: Marks of products and moments (plotly symbol names), so that they differ without color.
DOTS: dict[str, str] = {
    "platelet_transfusion": "circle",
    "plasma": "square",
    "cryoprecipitate": "diamond",
    "fibrinogen_concentrate": "pentagon",
    "exchange_transfusion": "star",
    "red_cell_transfusion": "hexagon",
}

LASTING_DRUGS = ("sirolimus", "prednisolone", "vincristine", "pjp_prophylaxis", "other_drug")

#: The episodes that are drawn as bars above the events, and the word on the lane.
EPISODE_LANES: dict[str, str] = {
    "plasma_criterion": "Plasma criterion",
    "red_cell_criterion": "Red-cell criterion",
    "kmp_rebound": "Rebound",
    "kmp": "KMP",
    "durable_platelet_response": "Response",
}
#: Short words for a rule where there is no room for its title.
RULE_WORDS: dict[str, str] = {
    "plasma_criterion": "plasma criterion",
    "red_cell_criterion": "red-cell criterion",
    "kmp_rebound": "KMP rebound",
    "kmp": "KMP",
    "consumptive_coagulopathy": "consumptive coagulopathy",
    "severe_thrombocytopenia": "severe thrombocytopenia",
    "thrombocytopenia": "thrombocytopenia",
    "hypofibrinogenemia": "hypofibrinogenemia",
    "falling_platelets": "falling platelets",
    "hemoglobin_fall": "fall of hemoglobin",
    "unusable_sample": "sample set aside",
    "coagulation_missing": "coagulation not measured",
    "steroid_taper_criterion": "example of a satisfactory response",
    "steroid_course_long": "long course of prednisolone",
    "sirolimus_below_target": "sirolimus below band",
    "sirolimus_above_target": "sirolimus above band",
    "blood_count_overdue": "count not seen",
    "sirolimus_level_overdue": "level not seen",
    "pjp_prophylaxis_missing": "no prophylaxis recorded",
    "delta_check": "jump",
    "implausible": "unusual value",
    "unit_suspect": "unit in question",
    "elevated_d_dimer": "elevated D-dimer",
    "severe_anemia": "severe anemia",
    "durable_platelet_response": "platelet response",
    "fibrinogen_stabilization": "fibrinogen stabilization",
}


def rule_words(rule: str) -> str:
    """The short words of a rule; its name in words when none are written down."""
    return RULE_WORDS.get(rule, rule.replace("_", " "))
