//! What the control plane sees of executors, in the pod API's words, and what it refuses: pure.

use firesteel_pods::{EndReason, Ended, Exceeded, Exit, Seen, Sighting};
use firesteel_protocol::{ExecutorSighting, ExecutorStatus, ExitCode};

/// Sightings for the pod API.
pub(super) fn translate(sightings: &[ExecutorSighting]) -> Vec<Sighting> {
    sightings
        .iter()
        .map(|sighting| Sighting { uid: sighting.uid.clone(), seen: seen(&sighting.status) })
        .collect()
}

fn seen(status: &ExecutorStatus) -> Seen {
    match status {
        ExecutorStatus::Waiting { reason, .. } => Seen::Pending { reason: reason.clone() },
        ExecutorStatus::Starting => Seen::Pending { reason: "starting".to_owned() },
        ExecutorStatus::Running { address } => Seen::Running { ip: address.clone() },
        ExecutorStatus::Ended { code, summary, evicted } => Seen::Ended(ended(*code, summary, *evicted)),
    }
}

fn ended(code: i32, summary: &str, evicted: bool) -> Ended {
    let (exit, reason) = match ExitCode(code) {
        ExitCode::LOST | ExitCode::NO_CONTROL_PLANE => (None, Some(EndReason::Lost)),
        ExitCode::STOPPED => (Some(Exit::Signal(15)), None),
        service if !service.is_the_jobs() => {
            (Some(Exit::Code(1)), Some(EndReason::Other("NotStarted".to_owned())))
        }
        job => (Some(Exit::Code(job.0)), None),
    };
    let reason = if evicted { Some(EndReason::Evicted) } else { reason };
    Ended { exit, reason, message: Some(summary.to_owned()).filter(|text| !text.is_empty()) }
}

/// The dimensions of `maximumCapacity` for which executors wait, each once.
pub(super) fn exceeded(sightings: &[ExecutorSighting]) -> Vec<Exceeded> {
    let mut found = Vec::new();
    for sighting in sightings {
        let ExecutorStatus::Waiting { exceeded, .. } = &sighting.status else { continue };
        for dimension in exceeded.iter().filter_map(|text| dimension(text)) {
            if !found.contains(&dimension) {
                found.push(dimension);
            }
        }
    }
    found
}

/// `cpu: 4 vCPU`, `memory: 16 GB`, `disk: 20 GB`.
fn dimension(text: &str) -> Option<Exceeded> {
    let (name, limit) = text.split_once(':')?;
    let limit = limit.split_whitespace().next()?.parse().ok()?;
    match name.trim() {
        "cpu" => Some(Exceeded::Cpu(limit)),
        "memory" => Some(Exceeded::MemoryGb(limit)),
        "disk" => Some(Exceeded::DiskGb(limit)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_as_kubernetes_would_say_them() {
        let table = [
            (0, false, Some(Exit::Code(0)), None),
            (137, false, Some(Exit::Code(137)), None),
            (143, true, Some(Exit::Code(143)), Some(EndReason::Evicted)),
            (1010, false, None, Some(EndReason::Lost)),
            (1008, false, Some(Exit::Signal(15)), None),
            (1003, false, Some(Exit::Code(1)), Some(EndReason::Other("NotStarted".into()))),
        ];
        for (code, evicted, exit, reason) in table {
            let message = Some("why".to_owned());
            assert_eq!(ended(code, "why", evicted), Ended { exit, reason, message }, "{code}");
        }
    }

    #[test]
    fn exceeded_dimensions_are_named_once() {
        let waiting = |exceeded: &[&str]| ExecutorSighting {
            uid: "u".into(),
            status: ExecutorStatus::Waiting {
                reason: "no room".into(),
                exceeded: exceeded.iter().map(|text| text.to_string()).collect(),
            },
        };
        let sightings =
            [waiting(&["cpu: 4 vCPU"]), waiting(&["cpu: 4 vCPU", "memory: 16 GB"]), waiting(&["strange"])];
        assert_eq!(exceeded(&sightings), [Exceeded::Cpu(4), Exceeded::MemoryGb(16)]);
    }
}
