"""Tasks from code of one's own: the payload is the task, and a key says who may send it.

There is no vendor: this is Hookyard's own endpoint for scripts, forms and other systems that can be told
what to send. The key is shown as `Authorization: Bearer`, as the bare value of `Authorization`, or in
`X-Api-Key`.
"""

from __future__ import annotations

from router.sources.preset import SharedSecret, SourcePreset

PRESET = SourcePreset(
    name="task",
    title="Tasks from code of your own",
    proof=SharedSecret(bearer=True, bare=True, or_header="X-Api-Key"),
    docs="",
    certainty="verified",
    dedupe_why="Nothing is a duplicate by default: give tasks a key, and the same key again changes the task that has it.",
    retries="That is up to your code: after 5xx, 429 and broken connections send the same again, with the same key.",
    waits="With reply: routed the answer comes after the commit, at most 10 seconds later; let your code wait 15.",
    setup=(
        "Make a key with a random generator, or let hookyard keys create make one, and keep it out of your code.",
        "Post JSON to the address of the connector with the header Authorization: Bearer and the key.",
        "hookyard connectors code NAME prints a program that does so, for the fields that the connector takes.",
    ),
)
