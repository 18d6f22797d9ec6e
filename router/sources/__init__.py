"""Senders: who is calling, is it really them, what is the event called, which id stays the same.

`registry` is the way in: `check_source` and `source_info` for the rules, `compile_source` for the
receiver. A preset is a declaration (`preset.SourcePreset`), one file each.
"""
