"""What a person decides about rows that wait, and about results that stand at the wrong patient."""

from khemon.actions.review.acts import confirm, correct, reject
from khemon.actions.review.moving import move_results
from khemon.actions.review.needs import needed

__all__ = ["confirm", "correct", "move_results", "needed", "reject"]
