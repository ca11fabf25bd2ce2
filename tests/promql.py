"""What a query in PromQL asks for: selectors, and the labels that its answer has."""

from collections.abc import Iterator

import promql_parser as promql


def selectors(query: promql.Expr) -> Iterator[promql.VectorSelector]:
    """Give every selector of a query."""
    if isinstance(query, promql.VectorSelector):
        yield query
    for part in _parts(query):
        yield from selectors(part)


def labels_of(query: promql.Expr, known: dict[str, frozenset[str]]) -> frozenset[str]:
    """Give the labels that the answer has, by those of each metric."""
    if isinstance(query, promql.VectorSelector):
        return known[query.name or ""]
    below = [labels_of(part, known) for part in _parts(query)]
    if isinstance(query, promql.AggregateExpr) and str(query.op) not in {"topk", "bottomk"}:
        return _by(query)
    if isinstance(query, promql.BinaryExpr):
        return below[0] or below[1]
    found = frozenset[str]().union(*below)
    return found - {"le"} if isinstance(query, promql.Call) and query.func.name == "histogram_quantile" else found


def groupings(query: promql.Expr) -> Iterator[tuple[frozenset[str], promql.Expr]]:
    """Give the labels of every `by`, with what is grouped."""
    if isinstance(query, promql.AggregateExpr):
        yield _by(query), query.expr
    for part in _parts(query):
        yield from groupings(part)


def _by(query: promql.AggregateExpr) -> frozenset[str]:
    return frozenset(query.modifier.labels) if query.modifier is not None else frozenset()


def _parts(query: promql.Expr) -> list[promql.Expr]:
    if isinstance(query, promql.BinaryExpr):
        return [query.lhs, query.rhs]
    if isinstance(query, promql.Call):
        return list(query.args)
    if isinstance(query, promql.MatrixSelector):
        return [query.vector_selector]
    if isinstance(query, promql.AggregateExpr | promql.ParenExpr | promql.SubqueryExpr | promql.UnaryExpr):
        return [query.expr]
    return []
