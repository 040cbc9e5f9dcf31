"""Mutation testing of what judges: each small change of the code makes some test fail, or is listed with a reason.

`make mutate` runs it; see docs/decisions/0014-mutation-testing-by-a-driver-of-our-own.md.
"""
