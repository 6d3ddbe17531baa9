"""An estimate as text for a terminal."""

from dataset_cards.cards.plain import count, one_line, plural, share, size
from dataset_cards.terminal import table

from .estimate import Estimate


def shown(found: Estimate) -> str:
    """Steps with what each would take, the sums, and how to run."""
    rows = [
        (cost.step, seconds(cost.cpu_s), size(cost.memory), size(cost.peak_disk), size(cost.disk))
        for cost in found.steps
    ]
    header = ("step", "CPU time", "memory of a worker", "disk at work", "disk left")
    lines = [table(header, rows, right=(1, 2, 3, 4)), ""]
    lines.append(
        f"in all about {seconds(found.cpu_s)} of CPU time: {seconds(found.wall_s)} with "
        f"{plural(found.workers, 'worker')} that nobody disturbs"
    )
    free = "" if found.free_disk is None else f" of {size(found.free_disk)} free"
    needs = found.workers * found.memory
    lines.append(f"memory {size(needs)} of {size(found.free_memory)} free; disk {size(found.disk)}{free}, at most")
    if found.free_disk is not None and found.disk > found.free_disk:
        lines.append("THE DISK IS TOO SMALL: give another --store, or make room first")
    lines.append(
        f"proposed: --workers {found.workers} --part-mb {found.part_mb} ({plural(found.tasks, 'task')}; "
        f"on a cluster up to {plural(found.tasks, 'worker')} would have work)"
    )
    lines.append(
        f"measured on {size(found.sampled)} of {size(found.of)} of the input ({share(found.sampled, found.of)}); "
        "--no-estimate leaves it out"
    )
    if found.left_out:
        names = ", ".join(one_line(name, 60) for name in found.left_out[:3])
        lines.append(f"no part was taken of {count(len(found.left_out))} that must be read whole, such as {names}")
    return "\n".join(lines)


def seconds(time: float) -> str:
    """`12 s`, `3.5 min`, `7.2 h` or `4.1 days`."""
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if time >= 2 * length:
            return f"{time / length:.1f} {unit}"
    return f"{time:.0f} s" if time >= 10 else f"{time:.1f} s"
