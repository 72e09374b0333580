"""The idea bank: what a site's blogs and posts are about, so that no topic comes again unseen, and ideas that wait to be used.

keys        a topic's words: its key, and the stems by which topics alike are found
bank        topics kept, held and looked up
batches     one call for the ideas of several blogs that wait
orders      ideas that a shop asks for without blogs
posts       the site's posts at Wix
listing     the bank as staff read it
duplicates  what becomes of a request whose topic the site has
"""

from blogs.ideas.keys import key, stems

__all__ = ["key", "stems"]
