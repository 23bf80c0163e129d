"""Which library multiplies is told by the processor's description."""

import pytest

from llmviz.model.processor import mkl_leaves_half_unused


@pytest.mark.parametrize(
    ("maker", "family", "wide"),
    [("AuthenticAMD", 25, False), ("AuthenticAMD", 26, True), ("GenuineIntel", 26, False)],
)
def test_the_processor_says_which_library_is_faster(maker, family, wide):
    described = f"processor\t: 0\nvendor_id\t: {maker}\ncpu family\t: {family}\nmodel\t\t: 17\n"
    assert mkl_leaves_half_unused(described) is wide
    assert not mkl_leaves_half_unused("")
