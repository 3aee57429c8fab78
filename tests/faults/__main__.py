"""The command: `python -m tests.faults NAME [options]` prints counts; its status is 1 after any breach."""

import argparse
import sys
from collections.abc import Callable

from tests.faults import away, corpus, crash, damage, disk, failover, halfway, power, race, replay, rude, soak
from tests.faults.cluster import NoPatroni
from tests.faults.disk import NoMount
from tests.faults.tally import Tally

ENGINES = ("sqlite", "postgresql")
MOST_SAID = 20


def parsed() -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    """What is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--engine", choices=ENGINES, action="append", help="default: both")
    parser.add_argument("--seed", type=int, default=1)
    names = parser.add_subparsers(dest="name", required=True)
    names.add_parser("crash", help="kill -9 under writers").add_argument("--kills", type=int, default=200)
    names.add_parser("stop", help="told to end under writers").add_argument("--times", type=int, default=20)
    gone = names.add_parser("away", help="connections broken, and no database for a while")
    gone.add_argument("--times", type=int, default=50)
    gone.add_argument("--seconds", type=float, default=10)
    names.add_parser("soak", help="mixed work for long").add_argument("--minutes", type=float, default=30)
    names.add_parser("power", help="the files as the power goes").add_argument(
        "--copies", type=int, default=200
    )
    names.add_parser("disk", help="the disk is full, or can only be read").add_argument(
        "--times", type=int, default=5
    )
    names.add_parser("damage", help="the file was changed by another hand").add_argument(
        "--pages", type=int, default=200
    )
    names.add_parser("halfway", help="each command killed within").add_argument(
        "--kills", type=int, default=10
    )
    names.add_parser("rude", help="callers who never end, and slow statements").add_argument(
        "--sockets", type=int, default=50
    )
    names.add_parser("race", help="many for the last vials").add_argument(
        "--attempts", type=int, default=10_000
    )
    names.add_parser("replay", help="the same request again and again")
    names.add_parser("failover", help="the primary of three is lost").add_argument(
        "--rounds", type=int, default=3
    )
    names.add_parser("corpus", help="five thousand hostile requests and files")
    return parser, parser.parse_args()


def main() -> int:
    """Run one of the faults at full length."""
    parser, asked = parsed()
    if asked.name == "corpus":
        return corpus.main()
    works: dict[str, Callable[[str], Tally]] = {
        "crash": lambda engine: crash.crash(engine, kills=asked.kills, seed=asked.seed),
        "stop": lambda engine: crash.crash(engine, kills=asked.times, seed=asked.seed, gently=True),
        "away": lambda engine: away.away(engine, times=asked.times, seconds=asked.seconds, seed=asked.seed),
        "soak": lambda engine: soak.soak(engine, minutes=asked.minutes, seed=asked.seed),
        "rude": lambda engine: rude.rude(engine, sockets=asked.sockets, rounds=20),
        "race": lambda engine: race.race(engine, attempts=asked.attempts),
        "replay": lambda engine: replay.replay(engine),
    }
    of_a_file: dict[str, Callable[[], Tally]] = {
        "power": lambda: power.power(copies=asked.copies, seed=asked.seed),
        "damage": lambda: damage.damage(pages=asked.pages, seed=asked.seed),
        "disk": lambda: disk.disk(times=asked.times, seed=asked.seed),
        "halfway": lambda: halfway.halfway(kills=asked.kills),
    }
    try:
        if asked.name in of_a_file:
            return said("sqlite", of_a_file[asked.name]())
        if asked.name == "failover":
            return said("postgresql", failover.failover(rounds=asked.rounds, seed=asked.seed))
    except (NoMount, NoPatroni) as missing:
        parser.error(str(missing))
    return max(said(engine, works[asked.name](engine)) for engine in asked.engine or ENGINES)


def said(engine: str, tally: Tally) -> int:
    """Print what was counted; 1 if anything was wrong."""
    print(f"{engine}: {tally.say()}", flush=True)
    for sentence in tally.wrong[:MOST_SAID]:
        print(f"  {sentence}", flush=True)
    return int(bool(tally.wrong))


if __name__ == "__main__":
    sys.exit(main())
