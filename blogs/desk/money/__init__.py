"""Money on the support desk: the credit ledger."""
