"""The typed intermediate form between dialects: n decoders and n encoders instead of n x n translators.

``conversation`` and ``answer`` define the form, ``codec`` is what each dialect implements, and
``translation`` is what the pipeline uses when customer and channel speak different dialects.
"""
