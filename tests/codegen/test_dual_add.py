"""ADD's factor of one half, where the kernel's second operand has it too."""

from edgecompress.codegen.variants.dual_add import AS_GOOD_AS_HALF


def test_the_factor_that_stands_for_one_half_is_exact_for_every_difference_of_two_bytes():
    """In the kernel's steps: the product's upper half, rounded; less one where it is negative; a rounding shift to the right."""
    multiplier, exponent = AS_GOOD_AS_HALF
    assert exponent == -1
    for difference in range(-255, 256):
        product = ((difference << 21) * multiplier + (1 << 31)) >> 32
        rounded = (product + (product >> 31) + 1) >> 1
        assert rounded == difference << 19
