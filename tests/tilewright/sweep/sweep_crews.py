"""Workers for tests of sweeps."""

from concurrent.futures import ThreadPoolExecutor

from tilewright.dse.sweep_crew import Crew


def threads(workers: int) -> Crew:
    """A crew in this process: quick, and monkeypatches hold."""
    return Crew(start=lambda: ThreadPoolExecutor(1), in_flight=2)
