"""What every test may ask for: databases of its own, and the seed of random tests."""

pytest_plugins = ["tests.databases", "tests.profiles", "tests.server", "tests.browser"]
