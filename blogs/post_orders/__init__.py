"""What staff order for a DONE blog's post at Wix: a look, publishing, another draft. Workers carry it out; the blog stays DONE."""
