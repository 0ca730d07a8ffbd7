//! The executors that Spark wants, from the pod API's words into the protocol's, and how a launch travels: pure.

use firesteel_core::spark::Properties;
use firesteel_pods::{Launch, PodLaunch, SharedLaunch, WantedState};
use firesteel_protocol::{StopOrder, Wanted, WantedExecutor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

const MIB: u64 = 1 << 20;

/// What executors of one profile share, as it travels from the driver's runner to theirs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Travelling {
    /// How Spark wants them started.
    pub(super) spark: SharedLaunch,
    /// Their `log4j2.properties`.
    pub(super) log4j2: Properties,
}

/// The pod API's set as the protocol's.
pub(super) fn translate(wanted: &firesteel_pods::Wanted, log4j2: &Properties) -> Wanted {
    let mut launches = BTreeMap::new();
    let executors = wanted
        .executors
        .iter()
        .map(|executor| {
            let (hash, launch) = shared(&executor.launch.shared, log4j2);
            launches.insert(hash.clone(), launch);
            WantedExecutor {
                uid: executor.uid.clone(),
                cpu: u32::try_from(executor.cpu_millis.div_ceil(1_000)).unwrap_or(u32::MAX),
                memory_mib: executor.memory_bytes.div_ceil(MIB),
                heap_mib: executor.launch.shared.heap_bytes / MIB,
                launch: hash,
                own: serde_json::json!(executor.launch.pod),
                stopping: stopping(executor.state),
            }
        })
        .collect();
    Wanted { version: wanted.version, executors, launches }
}

/// A launch as JSON, and its SHA-256 in hex.
fn shared(launch: &Arc<SharedLaunch>, log4j2: &Properties) -> (String, Value) {
    let value = serde_json::json!({ "spark": **launch, "log4j2": log4j2 });
    (hex::encode(Sha256::digest(value.to_string())), value)
}

fn stopping(state: WantedState) -> Option<StopOrder> {
    match state {
        WantedState::Running => None,
        WantedState::Stopping { grace_ms, decommission } => {
            Some(StopOrder { decommission, grace_ms, reason: "Spark asked for its end".to_owned() })
        }
    }
}

/// What an executor's runner was handed.
pub(super) fn arrived(launch: &Value, own: &Value) -> Result<(Launch, Properties), serde_json::Error> {
    let travelling: Travelling = serde_json::from_value(launch.clone())?;
    let pod: PodLaunch = serde_json::from_value(own.clone())?;
    Ok((Launch { shared: Arc::new(travelling.spark), pod }, travelling.log4j2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_pods::ExecutorClass;

    fn launch(executor_id: &str) -> Launch {
        let shared = SharedLaunch {
            executor_class: ExecutorClass::Kubernetes,
            driver_url: "spark://x".into(),
            app_id: "app".into(),
            resource_profile_id: "0".into(),
            cores: 4,
            heap_bytes: 1 << 30,
            extra_class_path: None,
            java_options: Vec::new(),
            env: BTreeMap::new(),
            mounts: BTreeMap::new(),
        };
        let pod = PodLaunch {
            executor_id: executor_id.into(),
            pod_name: "p".into(),
            uid: format!("u{executor_id}"),
            namespace: "n".into(),
        };
        Launch { shared: Arc::new(shared), pod }
    }

    fn wanted(states: &[WantedState]) -> firesteel_pods::Wanted {
        let executor = |(index, state): (usize, &WantedState)| firesteel_pods::WantedExecutor {
            uid: format!("u{index}"),
            pod_name: "p".into(),
            executor_id: index.to_string(),
            cpu_millis: 3_500,
            memory_bytes: (1 << 30) + 1,
            state: *state,
            launch: launch(&index.to_string()),
        };
        let executors = states.iter().enumerate().map(executor).collect();
        firesteel_pods::Wanted { version: 3, executors, hopeless: None }
    }

    #[test]
    fn executors_of_one_profile_share_one_launch_which_arrives_whole() {
        let stopping = WantedState::Stopping { grace_ms: 30_000, decommission: true };
        let log4j2 = Properties::from([("a".to_owned(), "b".to_owned())]);
        let translated = translate(&wanted(&[WantedState::Running, stopping]), &log4j2);
        assert_eq!((translated.version, translated.launches.len()), (3, 1));
        let [first, second] = &translated.executors[..] else { panic!("two executors") };
        assert_eq!((first.cpu, first.memory_mib, first.heap_mib), (4, 1_025, 1_024));
        assert!(first.stopping.is_none());
        assert_eq!(
            second.stopping.as_ref().map(|order| (order.decommission, order.grace_ms)),
            Some((true, 30_000))
        );
        let (arrived, logging) = arrived(&translated.launches[&first.launch], &first.own).unwrap();
        assert_eq!((arrived, logging), (launch("0"), log4j2));
        let other = translate(&wanted(&[WantedState::Running]), &Properties::new());
        assert_ne!(other.executors[0].launch, first.launch);
    }
}
