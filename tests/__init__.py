"""The tests; a package so that `tests.doubles` has one name for every tool."""
