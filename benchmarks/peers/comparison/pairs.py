"""Two runs set beside each other: at the same time, a core a thread and the cores swapped in between, or one after the other."""

import math
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import time

from comparison.side import command_of, read_run, train, updates, variables, write_settings

CPUS = pathlib.Path("/sys/devices/system/cpu")


def cores():
    """One processor number for each core that this program may use: hardware threads of one core are no cores of their own."""
    found = {}
    for cpu in sorted(os.sched_getaffinity(0)):
        siblings = CPUS / f"cpu{cpu}" / "topology" / "thread_siblings_list"
        found.setdefault(siblings.read_text().strip() if siblings.exists() else str(cpu), cpu)
    return list(found.values())


def places(configurations, options, available):
    """The cores of each of two runs, or None where the machine has too few for both."""
    needed = [configuration.processes * options.threads for configuration in configurations]
    if sum(needed) > len(available):
        return None
    return available[:needed[0]], available[needed[0]:sum(needed)]


def measure_pair(first, second, turn, folder, options):
    """One round of a pair. Returns the runs of each, and the logarithms of first : second in speed and in memory."""
    where = places((first, second), options, cores())
    if where is None:
        order = (first, second) if turn % 2 == 0 else (second, first)
        runs = {configuration: [train(configuration, folder, options)] for configuration in order}
    else:
        runs = {first: [], second: []}
        for swapped in (False, True):
            halves = (where[1], where[0]) if swapped and len(where[0]) == len(where[1]) else where
            for configuration, found in zip((first, second), together((first, second), halves, folder, options)):
                runs[configuration].append(found)
    speed = statistics.fmean(math.log(b / a) for a, b in zip(*([median_update(found) for found in runs[c]] for c in (first, second))))
    memory = statistics.fmean(math.log(a["peak_bytes"] / b["peak_bytes"]) for a, b in zip(runs[first], runs[second]))
    return runs, speed, memory


def median_update(found):
    return statistics.median(found["updates"])


def together(configurations, where, folder, options):
    """Two runs at the same time. Each goes on after its steps until the other has done its own, and what one did alone is left out."""
    signs = [os.path.join(folder, f"pair-{i}") for i in range(2)]
    for sign in signs:
        for state in ("ready", "done"):
            pathlib.Path(f"{sign}.{state}").unlink(missing_ok=True)
    commands, outputs, processes = [], [], []
    try:
        for i, configuration in enumerate(configurations):
            pair = {"own": signs[i], "other": signs[1 - i]}
            settings = write_settings(folder, options, f"settings-{i}.json", **configuration.settings(), pair=pair)
            command, environment = command_of(configuration, folder, settings, options)
            commands.append(command)
            outputs.append(open(f"{signs[i]}.jsonl", "w+", encoding="utf-8"))
            processes.append(subprocess.Popen(
                ["taskset", "-c", ",".join(map(str, where[i])), *map(str, command)],
                env=variables(options.threads, environment), stdout=outputs[-1], start_new_session=True))
        wait(processes, commands)
        found = []
        for command, output in zip(commands, outputs):
            output.seek(0)
            found.append(read_run(output.read(), command, options))
    finally:
        for process in processes:
            end(process)
        for output in outputs:
            output.close()
    for one, counted in zip(found, overlapping([one["steps"] for one in found], options)):
        one["updates"] = counted
    return found


def wait(processes, commands):
    """Until both have ended; a failure of one ends the comparison."""
    while any(process.poll() is None for process in processes):
        for process, command in zip(processes, commands):
            if process.poll():
                sys.exit(f"compare: {command[0]} ended with exit code {process.returncode}. Its messages are above.")
        time.sleep(0.05)
    for process, command in zip(processes, commands):
        if process.returncode:
            sys.exit(f"compare: {command[0]} ended with exit code {process.returncode}. Its messages are above.")


def end(process):
    """Ends a run that is still going on, with its ranks."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            continue


def overlapping(runs, options):
    """For each run the seconds of those updates during which both had updates to count, but for a twentieth: two runs never begin at the same instant."""
    counted = [updates(steps, options) for steps in runs]
    start = max(begin(own[0]) for own in counted)
    stop = min(own[-1][-1]["end_time"] for own in counted)
    inside = [
        [sum(step["step_seconds"] for step in update) for update in own
         if min(update[-1]["end_time"], stop) - max(begin(update), start) >= 0.95 * (update[-1]["end_time"] - begin(update))]
        for own in counted
    ]
    if not all(inside):
        sys.exit("compare: the two runs of a pair did not train at the same time for a whole update. Give more --steps.")
    return inside


def begin(update):
    return update[0]["end_time"] - update[0]["step_seconds"]
