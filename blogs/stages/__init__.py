"""The stages of a blog, one file each.

A stage gets plain data and returns plain data. It uses the network only through `outbound.call`, opens no transaction, and reads
no rows but through functions of `wix` (what we keep of a shop) and of `ideas` (its topics).
"""
