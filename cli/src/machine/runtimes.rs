//! Releases on this machine: what is installed is remembered, what is missing is installed in the background.

use async_trait::async_trait;
use firesteel_core::command::Runtime;
use firesteel_core::release::ReleaseLabel;
use firesteel_runtime::{InstallError, Installer, Readiness};
use firesteel_service::Runtimes;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How long a failed installation stands before it is tried again.
const FAILURE_STANDS: Duration = Duration::from_secs(60);

/// How long an installed release is believed to be there: whoever clears the cache does not ask.
const READY_STANDS: Duration = Duration::from_secs(5);

/// The releases of one cache folder.
#[derive(Clone)]
pub struct InstalledRuntimes(Arc<Inner>);

struct Inner {
    install: Box<dyn Install>,
    known: Mutex<BTreeMap<String, Known>>,
    changed: Notify,
}

enum Known {
    /// It was there when it was looked at.
    Ready(Instant),
    /// It cannot run here, and that stays so.
    Impossible(String),
    /// Looked at: not there.
    Missing,
    /// Under way; the last line of its progress.
    Installing(String),
    /// It did not work, and when that was.
    Failed(String, Instant),
}

/// The part of the installer that is needed here.
trait Install: Send + Sync {
    fn look(&self, label: &str) -> Readiness;
    fn install(&self, label: &str, progress: &dyn Fn(&str)) -> Result<(), InstallError>;
}

impl Install for Installer {
    fn look(&self, label: &str) -> Readiness {
        self.readiness(label)
    }

    fn install(&self, label: &str, progress: &dyn Fn(&str)) -> Result<(), InstallError> {
        Installer::install(self, label, progress).map(drop)
    }
}

impl InstalledRuntimes {
    /// The releases that `installer` installs and finds.
    pub fn new(installer: Installer) -> Self {
        Self::over(Box::new(installer))
    }

    fn over(install: Box<dyn Install>) -> Self {
        Self(Arc::new(Inner { install, known: Mutex::default(), changed: Notify::new() }))
    }
}

#[async_trait]
impl Runtimes for InstalledRuntimes {
    fn readiness(&self, release: &ReleaseLabel) -> Runtime {
        let label = release.as_str();
        if let Some(known) = self.0.known().get(label).and_then(Known::tell) {
            return known;
        }
        let looked = match self.0.install.look(label) {
            Readiness::Ready(_) => Known::Ready(Instant::now()),
            Readiness::Impossible(why) => Known::Impossible(why),
            Readiness::Missing => Known::Missing,
        };
        let told = looked.tell().unwrap_or_else(not_yet);
        // Somebody may have begun to install it meanwhile: that is newer.
        let mut known = self.0.known();
        if !matches!(known.get(label), Some(Known::Installing(_))) {
            known.insert(label.to_owned(), looked);
        }
        told
    }

    async fn prepare(&self, release: &ReleaseLabel) {
        let label = release.as_str().to_owned();
        {
            let mut known = self.0.known();
            match known.get(&label) {
                Some(Known::Ready(_) | Known::Impossible(_) | Known::Installing(_)) => return,
                Some(Known::Failed(_, when)) if when.elapsed() < FAILURE_STANDS => return,
                _ => known.insert(label.clone(), Known::Installing("beginning".to_owned())),
            };
        }
        let inner = self.0.clone();
        tokio::task::spawn_blocking(move || inner.install(&label));
    }

    async fn changed(&self) {
        self.0.changed.notified().await;
    }
}

impl Known {
    /// What is to be told; `None` if it must be looked at again.
    fn tell(&self) -> Option<Runtime> {
        match self {
            Self::Ready(when) => (when.elapsed() < READY_STANDS).then_some(Runtime::Ready),
            Self::Impossible(why) => Some(Runtime::Impossible(why.clone())),
            Self::Missing => Some(not_yet()),
            Self::Installing(step) => Some(Runtime::Preparing(step.clone())),
            Self::Failed(why, when) => {
                (when.elapsed() < FAILURE_STANDS).then(|| Runtime::Impossible(why.clone()))
            }
        }
    }
}

fn not_yet() -> Runtime {
    Runtime::Preparing("not installed yet".to_owned())
}

impl Inner {
    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn install(&self, label: &str) {
        let progress = |line: &str| {
            tracing::info!(release = label, "{line}");
            self.known().insert(label.to_owned(), Known::Installing(line.to_owned()));
        };
        let outcome = match self.install.install(label, &progress) {
            Ok(()) => Known::Ready(Instant::now()),
            Err(error @ (InstallError::Impossible(_) | InstallError::UnknownLabel(_))) => {
                Known::Impossible(error.to_string())
            }
            Err(error) => {
                tracing::error!(release = label, %error, "not installed");
                Known::Failed(format!("release {label} could not be installed: {error}"), Instant::now())
            }
        };
        self.known().insert(label.to_owned(), outcome);
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Installs when it is told to, with the outcome it is told.
    struct Told {
        outcomes: Mutex<mpsc::Receiver<Result<(), InstallError>>>,
        begun: Mutex<u32>,
    }

    impl Install for Arc<Told> {
        fn look(&self, label: &str) -> Readiness {
            if label == "never" { Readiness::Impossible("no Java 8".into()) } else { Readiness::Missing }
        }

        fn install(&self, _: &str, progress: &dyn Fn(&str)) -> Result<(), InstallError> {
            *self.begun.lock().unwrap() += 1;
            progress("unpacking");
            self.outcomes.lock().unwrap().recv().unwrap()
        }
    }

    fn told() -> (Arc<Told>, mpsc::Sender<Result<(), InstallError>>, InstalledRuntimes) {
        let (say, outcomes) = mpsc::channel();
        let told = Arc::new(Told { outcomes: Mutex::new(outcomes), begun: Mutex::new(0) });
        let runtimes = InstalledRuntimes::over(Box::new(told.clone()));
        (told, say, runtimes)
    }

    #[tokio::test]
    async fn a_missing_release_is_installed_once_with_progress() {
        let (told, say, runtimes) = told();
        let label = ReleaseLabel::new("emr-7.13.0");
        assert_eq!(runtimes.readiness(&label), not_yet());
        runtimes.prepare(&label).await;
        runtimes.prepare(&label).await;
        while runtimes.readiness(&label) != Runtime::Preparing("unpacking".into()) {
            tokio::task::yield_now().await;
        }
        say.send(Ok(())).unwrap();
        runtimes.changed().await;
        assert_eq!(runtimes.readiness(&label), Runtime::Ready);
        runtimes.prepare(&label).await;
        assert_eq!(*told.begun.lock().unwrap(), 1);
    }

    #[tokio::test]
    async fn a_failure_is_said_and_is_not_repeated_at_once() {
        let (told, say, runtimes) = told();
        let label = ReleaseLabel::new("emr-7.13.0");
        runtimes.prepare(&label).await;
        say.send(Err(InstallError::Mismatch("checksum of x".into()))).unwrap();
        runtimes.changed().await;
        let Runtime::Impossible(why) = runtimes.readiness(&label) else { panic!("not impossible") };
        assert!(why.contains("emr-7.13.0") && why.contains("checksum of x"), "{why}");
        runtimes.prepare(&label).await;
        assert_eq!(*told.begun.lock().unwrap(), 1);
    }

    #[test]
    fn what_is_told_without_a_look() {
        let ago = |span: Duration| Instant::now().checked_sub(span).unwrap();
        let table = [
            (Known::Ready(ago(Duration::ZERO)), Some(Runtime::Ready)),
            (Known::Ready(ago(READY_STANDS)), None),
            (Known::Failed("no".into(), ago(Duration::ZERO)), Some(Runtime::Impossible("no".into()))),
            (Known::Failed("no".into(), ago(FAILURE_STANDS)), None),
            (Known::Missing, Some(not_yet())),
        ];
        for (known, told) in table {
            assert_eq!(known.tell(), told);
        }
    }

    #[tokio::test]
    async fn what_cannot_run_here_says_why() {
        let (told, _say, runtimes) = told();
        let label = ReleaseLabel::new("never");
        assert_eq!(runtimes.readiness(&label), Runtime::Impossible("no Java 8".into()));
        runtimes.prepare(&label).await;
        assert_eq!(*told.begun.lock().unwrap(), 0);
    }
}
