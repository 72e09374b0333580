"""What a process remembers: only the latest of it, and nothing after it was told to forget."""

from __future__ import annotations

from workers.context.process_memory import Latest, forget_everything, remembered


def test_a_new_key_pushes_out_the_one_that_was_set_longest_ago() -> None:
    known: Latest[str, int] = Latest(2)
    known["a"], known["b"] = 1, 2

    known["a"] = 3
    known["c"] = 4

    assert dict(known) == {"a": 3, "c": 4}


def test_one_call_empties_all_memories() -> None:
    known, listed = remembered(Latest[str, int](2)), remembered([1])
    known["a"] = 1

    forget_everything()

    assert (known, listed) == ({}, [])
