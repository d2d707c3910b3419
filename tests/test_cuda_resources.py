"""tools.cuda_resources reads what nvcc reports."""

from __future__ import annotations

import doctest

from tools import cuda_resources
from tools.cuda_resources import Resources, parse, table

LOG = """
ptxas info    : 0 bytes gmem, 384 bytes cmem[4]
ptxas info    : Compiling entry function '_Zone' for 'sm_90'
ptxas info    : Function properties for _Zone
    56 bytes stack frame, 16 bytes spill stores, 24 bytes spill loads
ptxas info    : Used 187 registers, used 1 barriers, 56 bytes cumulative stack size, 33792 bytes smem
ptxas info    : Compile time = 12.3 ms
ptxas info    : Compiling entry function '_Ztwo' for 'sm_90'
ptxas info    : Function properties for _Ztwo
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 8 registers, used 0 barriers
"""


def test_the_report_of_a_file() -> None:
    assert list(parse("a.cu", LOG)) == [
        Resources("a.cu", "_Zone", 187, 33792, 56, 16), Resources("a.cu", "_Ztwo", 8, 0, 0, 0)]  # fmt: skip
    assert doctest.testmod(cuda_resources).failed == 0


def test_instances_of_a_template_share_a_line() -> None:
    kernels = [
        Resources("a.cu", f"product_kernel<Tile<{size}>, {dtype}, Store<{dtype}>>", registers, 0, 0, 0)
        for size, dtype, registers in ((32, "float", 90), (64, "float", 100), (64, "double", 150))
    ]
    lines = table(kernels, every=False).splitlines()[2:]
    assert lines == [
        "| a.cu | `product_kernel<double>` | 1 | 150 | 0 | 0 | 0 |",
        "| a.cu | `product_kernel<float>` | 2 | 90-100 | 0 | 0 | 0 |",
    ]
    assert len(table(kernels, every=True).splitlines()) == 2 + len(kernels)
    assert [one.is_hot for one in kernels] == [True, True, False]
