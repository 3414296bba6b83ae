"""What relay costs: CPU, latency and memory, beside nginx as the floor.

``python -m benchmarks`` (``make bench``) measures; docs/performance.md keeps the last run.
"""
