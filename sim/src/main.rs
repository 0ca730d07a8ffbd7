//! `cargo run -p sim -- --seeds N [--from S] [--mistake M] [--verbose]`: plays seeds and says what broke.

use clap::Parser;
use sim::{Mistake, Report, Scenario, play};
use std::process::ExitCode;
use std::time::Instant;

/// Lines of a broken seed's trace that are shown.
const LAST_LINES: usize = 40;

/// Plays seeds of the simulation.
#[derive(Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 300)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// A mistake to plant.
    #[arg(long)]
    mistake: Option<Mistake>,
    /// Let two applications compete for quota and heap in every world.
    #[arg(long)]
    scarce: bool,
    /// Go on after the first violation.
    #[arg(long)]
    keep_going: bool,
    /// Print whole traces.
    #[arg(long)]
    verbose: bool,
}

fn main() -> std::io::Result<ExitCode> {
    let arguments = Arguments::parse();
    let began = Instant::now();
    let (mut played, mut violations, mut runs, mut jobs) = (0, 0, 0, 0);
    for seed in arguments.from..arguments.from + arguments.seeds {
        let (mistake, scarce) = (arguments.mistake, arguments.scarce);
        let report = play(Scenario { seed, mistake, scarce })?;
        played += 1;
        runs += report.acknowledged;
        jobs += report.jobs;
        if arguments.verbose {
            print!("{}", report.trace);
        }
        if report.violation.is_some() {
            violations += 1;
            show(&report, &arguments);
            if !arguments.keep_going {
                break;
            }
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{played} seeds ({runs} runs, {jobs} jobs) in {seconds:.1} s: {:.1} seeds per second, {violations} violations",
        f64::from(played) / seconds
    );
    Ok(if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(report: &Report, arguments: &Arguments) {
    let Some(violation) = &report.violation else { return };
    let lines: Vec<&str> = report.trace.lines().collect();
    if !arguments.verbose && !arguments.keep_going {
        lines[lines.len().saturating_sub(LAST_LINES)..].iter().for_each(|line| println!("{line}"));
    }
    println!("seed {}: invariant {}: {}", report.seed, violation.invariant, violation.what);
    let mistake = arguments.mistake.map(|mistake| format!(" --mistake {mistake:?}")).unwrap_or_default();
    println!("repeat: cargo run -p sim --release -- --seeds 1 --from {}{mistake} --verbose", report.seed);
}
