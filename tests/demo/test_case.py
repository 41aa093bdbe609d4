"""The demo's file holds what its answer must say."""

from __future__ import annotations

import re
from random import Random

import pytest

from kimi_cli.demo.case import write_case


@pytest.mark.parametrize("seed", range(20))
def test_the_file_holds_the_facts(tmp_path, seed):
    """The number stands on exactly one line, the count is the file's, and the expected answer has both."""
    case = write_case(tmp_path, random=Random(seed))
    content = case.file.read_bytes().decode()
    assert content.count("\n") == case.lines
    assert re.findall(r"The number is (\d+)\.", content) == [str(case.number)]
    assert f"`{case.file}`" in case.prompt
    assert str(case.number) in case.answer
    assert str(case.lines) in case.answer
