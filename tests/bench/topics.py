"""What 300 blogs can be about: each of 20 kinds of 15 things."""

from __future__ import annotations

THINGS = (
    "scarves", "kettles", "candles", "wallets", "shelves", "lanterns", "slippers", "baskets", "aprons", "notebooks", "mirrors",
    "pillows", "brushes", "umbrellas", "hammocks",
)  # fmt: skip
KINDS = (
    "merino", "copper", "beeswax", "leather", "oak", "paper", "felt", "wicker", "linen", "recycled", "brass", "silk", "bamboo",
    "folding", "enamel", "striped", "antique", "waterproof", "children's", "travel",
)  # fmt: skip
