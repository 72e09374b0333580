"""The gate that an article passes before it becomes a draft: one pure function, without network and without tables.

`judged` mends what needs no writer and says what is left: errors, for which the article is not used, and warnings. `judged_idea`
looks at the outline before an article is paid for. What stands in the shop's own request or facts is never an error.

    mends       markup left in text, a list of one, bold everywhere, a heading at the end, tags, slug, the disclosure
    checks      one module for each row of what may be wrong: language, cut text, outline, repetition, products, facts, claims ...
    text        reading in any language: words, names in all their forms, amounts, which language a text is in
    lexicons    what the words of a language mean to the checks, a file each
"""

from blogs.article.quality.data import Finding, Profile, Request, Verdict
from blogs.article.quality.gate import judged, judged_idea, report
from blogs.article.quality.reporting import VERSION

__all__ = ["VERSION", "Finding", "Profile", "Request", "Verdict", "judged", "judged_idea", "report"]
