"""The double-entry ledger: what it is asked, how it keeps it, how it is proven."""
