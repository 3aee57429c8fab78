"""The command `vialbook bench`: how well what we say does in made-up years, where the sources are there."""

import subprocess
import sys
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]


@click.command()
@click.argument("name", type=click.Choice(["reorder"]))
@click.option("--seeds", type=click.IntRange(min=1), default=200, show_default=True, help="Clinic-years.")
def bench(name: str, seeds: int) -> None:
    """Play ordering rules through made-up years of a clinic, and print what each costs."""
    if not (ROOT / "tests" / "benchmarks" / f"{name}.py").exists():
        raise click.ClickException(
            f"The made-up clinic is kept with the sources of vialbook and not in {ROOT}: "
            f"fetch the sources and run `vialbook bench {name}` there."
        )
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", name, "--seeds", str(seeds)], cwd=ROOT, check=False
    )
    if done.returncode:
        sys.exit(done.returncode)
