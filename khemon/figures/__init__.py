"""Pictures of what is known: first the numbers of a picture, then the picture as a plain dict. No state, no clock."""
