"""Laboratory grades: what published criteria say about one value and its limits; three answers, and no store."""

from __future__ import annotations

from khemon.grades.criteria import Criteria, Step, Term, load_criteria
from khemon.grades.judging import Grade, Sample, grade_of
from khemon.grades.ranges import Range, range_of

__all__ = ["Criteria", "Grade", "Range", "Sample", "Step", "Term", "grade_of", "load_criteria", "range_of"]
