"""Writers: what leaves khemon as a file."""
