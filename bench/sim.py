"""Seeds of the simulation per second, and seeds played without a violation. There is nothing to set beside it."""

import re
import subprocess

import figure

SEEDS, QUICK_SEEDS = 300, 30


def main() -> None:
    fig = figure.Figure(
        "sim",
        "seeds of the simulation",
        seeds={"type": int, "help": f"seeds of each sample [default: {SEEDS}; {QUICK_SEEDS} if quick]"},
    )
    seeds = fig.flags.seeds or (QUICK_SEEDS if fig.flags.quick else SEEDS)
    run = ["cargo", "run", "--locked", "--release", "-q", "-p", "sim", "--", "--seeds", str(seeds)]
    for number in range(fig.count):
        command = [*run, "--from", str(number * seeds)]
        done = subprocess.run(command, cwd=figure.ROOT, capture_output=True, text=True)
        last = re.search(r"^(\d+) seeds .* ([\d.]+) seeds per second, (\d+) violations", done.stdout, re.M)
        if last is None:
            raise SystemExit(f"{command} said nothing of use:\n{done.stdout}{done.stderr}")
        fig.note("seeds per second", float(last[2]))
        fig.note("seeds", int(last[1]))
        fig.note("violations", int(last[3]))
    fig.row("seeds", fig.median("seeds per second"), "1/s")
    fig.row("seeds played", sum(fig.samples["seeds"]), "seeds")
    fig.row("violations", sum(fig.samples["violations"]), "seeds", most=0)
    fig.finish()


if __name__ == "__main__":
    main()
