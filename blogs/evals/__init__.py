"""Compares prompts and models: a fixed set of requests, written by each and judged by the gate (`manage.py eval_articles`).

No blog, no credits, no Wix: only prompts, OpenAI's limit, and the gate.

    requests.toml   the 40 requests, in twelve languages
    asking          one request: outline, article, verdict, and what it took
    store           the answers so far, so that a run that was cut goes on
    page            the report
"""
