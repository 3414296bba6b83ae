"""The typed intermediate form between dialects: n decoders and n encoders instead of n x n translators.

``conversation`` and ``answer`` are the form, ``codec`` is what a dialect implements for it, and
``translation`` is what the pipeline uses where customer and channel speak differently.
"""
