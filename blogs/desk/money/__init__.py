"""Money on the support desk: the credit ledger, prices of models, what is spent, and what plans leave."""
