"""Runs the programs that `hookyard connectors code` prints, as whoever copied them would."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

from router.core.settings import environment


async def run_sample(
    interpreter: Path, program: Path, key: str | None
) -> subprocess.CompletedProcess[str]:
    """Run a program in its own directory; `key` is what TASK_KEY holds, None: it is not set."""
    env = {"PATH": environment()["PATH"]} | ({} if key is None else {"TASK_KEY": key})
    return await asyncio.to_thread(
        subprocess.run,
        [str(interpreter), str(program)],
        env=env,
        cwd=program.parent,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
