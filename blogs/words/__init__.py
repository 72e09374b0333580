"""The words by which staff find a blog: of its topic, the names of its products, and its article's title.

They are folded and cut as a shop's products are (`wix.catalog.words`), so that "cafe" finds "Café" and any two neighbouring letters
of a Japanese title are a word.
"""
