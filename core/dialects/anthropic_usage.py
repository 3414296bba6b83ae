"""Usage as Anthropic reports it. Source: wire/DIALECTS.md 3.1-3.3, read 2026-11-23."""

import msgspec

from ..usage import Iteration, TokenCounts, Usage
from ..vendor_names import kept_name
from .figures import Figures, UntrueFigureError, read_figure, read_figures
from .upstream_costs import read_upstream_cost

ITERATIONS_MAX = 100
"""No honest answer takes more passes; each is priced, and kept in the log."""


def read_anthropic_usage(usage: object) -> Usage | None:
    """Return what a ``usage`` object says (of a stream: all of them merged); None where it holds no figures.

    Where an answer took several passes, ``iterations`` holds each and the top level leaves some
    out, so the sum of the passes counts: a compaction's first pass read 55 096 cached tokens
    that the top level does not name (w:anthropic/compaction-stream).

    Raises:
        UntrueFigureError: A figure that can't be true, or more passes than any answer takes.
    """
    figures = read_figures(usage)
    if figures.get("input_tokens") is None and figures.get("output_tokens") is None:
        return None
    iterations = _read_iterations(figures)
    counts = _sum(iterations) if iterations else _read_counts(figures)
    is_one_pass = len(iterations) == 1 and iterations[0].model is None
    return Usage(
        **msgspec.structs.asdict(counts),
        reasoning_tokens=read_figure(read_figures(figures.get("output_tokens_details")), "thinking_tokens"),
        web_search_count=read_figure(read_figures(figures.get("server_tool_use")), "web_search_requests"),
        upstream_cost_nano=read_upstream_cost(figures),
        iterations=() if is_one_pass else iterations,
    )


def _read_counts(figures: Figures) -> TokenCounts:
    """Return one pass's counts; what the split of cache writes does not cover counts as 5 minutes."""
    split = read_figures(figures.get("cache_creation"))
    one_hour = read_figure(split, "ephemeral_1h_input_tokens")
    split_sum = read_figure(split, "ephemeral_5m_input_tokens") + one_hour
    written = read_figure(figures, "cache_creation_input_tokens") or split_sum
    cache_write_1h = min(one_hour, written)
    return TokenCounts(
        input_tokens=read_figure(figures, "input_tokens"),
        cache_read_tokens=read_figure(figures, "cache_read_input_tokens"),
        cache_write_5m_tokens=written - cache_write_1h,
        cache_write_1h_tokens=cache_write_1h,
        output_tokens=read_figure(figures, "output_tokens"),
    )


def _read_iterations(figures: Figures) -> tuple[Iteration, ...]:
    entries = figures.get("iterations")
    if not isinstance(entries, list):
        return ()
    if len(entries) > ITERATIONS_MAX:
        raise UntrueFigureError("iterations are more than any answer takes")
    return tuple(_read_iteration(read_figures(entry)) for entry in entries)


def _read_iteration(figures: Figures) -> Iteration:
    counts, model = _read_counts(figures), figures.get("model")
    return Iteration(**msgspec.structs.asdict(counts), model=kept_name(model) if isinstance(model, str) else None)


def _sum(passes: tuple[Iteration, ...]) -> TokenCounts:
    return TokenCounts(**{name: sum(getattr(each, name) for each in passes) for name in TokenCounts.__struct_fields__})
