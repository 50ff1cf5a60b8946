"""Products of one lane and their sum over the cycles of a score."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .params import DotParams


class DotProduct(wiring.Component):
    """`products` products per cycle, added up and accumulated.

    Parameters
    ----------
    params : DotParams

    Members
    -------
    query, key : In(products * bits); element 0 lowest
    first : In(1); the sum of these operands starts a new score; ``cost.dot_first_cycles`` later
    score : Out(signed(accumulator_bits))

    Timing
    ------
    ``cost.dot_cycles`` from operands to the score that contains them, operands in every cycle.

    Numbers
    -------
    Exact products and sums of a cycle; the accumulator wraps at ``accumulator_bits``.
    """

    def __init__(self, params: DotParams) -> None:
        self.params = params
        super().__init__(
            {
                "query": In(params.products * params.query_format.bits),
                "key": In(params.products * params.key_format.bits),
                "first": In(1),
                "score": Out(signed(params.accumulator_bits)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        p = self.params
        terms = []
        for n in range(p.products):
            query = _element(self.query, n, p.query_format)
            key = _element(self.key, n, p.key_format)
            product = Signal((query * key).shape(), name=f"product_{n}", reset_less=True)
            m.d.sync += product.eq(query * key)
            terms.append(product)
        for stage in range(p.tree_stages):
            terms = _halve(_halve(terms))
            sums = []
            for n, term in enumerate(terms):
                total = Signal(term.shape(), name=f"sum_{stage}_{n}", reset_less=True)
                m.d.sync += total.eq(term)
                sums.append(total)
            terms = sums
        (total,) = terms
        with m.If(self.first):
            m.d.sync += self.score.eq(total)
        with m.Else():
            m.d.sync += self.score.eq(self.score + total)
        return m


def _element(word, number, number_format):
    value = word[number * number_format.bits : (number + 1) * number_format.bits]
    return value.as_signed() if number_format.signed else value


def _halve(terms):
    """Sums of neighbours; an odd one out stays."""
    return [sum(terms[n + 1 : n + 2], terms[n]) for n in range(0, len(terms), 2)]
