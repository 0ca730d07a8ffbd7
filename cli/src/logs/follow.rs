//! Follows one log until its run has ended and all of it is read: the files that are full, one after the other, then the newest.
//! It must not know where they are.

use super::members::Members;
use anyhow::{Context, bail};
use async_trait::async_trait;
use bytes::Bytes;
use std::io::Write;
use std::time::{Duration, Instant};

/// How often the object is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How often the run is asked after.
const ASK: Duration = Duration::from_millis(800);

/// How long the service may be away while it is followed: a control plane that was killed is back by then.
const PATIENCE: Duration = Duration::from_secs(60);

/// The service or S3 did not answer; it may again.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Away(pub String);

/// How far a log is read: so many full files, and so many bytes of the one after them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Files that are full.
    pub files: u32,
    /// Bytes of the next.
    pub offset: u64,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The next bytes; empty if there are no more now.
    pub bytes: Bytes,
    /// The file is full, and this is the rest of it.
    pub full: bool,
}

/// The log that is being followed, and its run.
#[async_trait]
pub trait Followed: Send + Sync {
    /// What comes next: `None` if there is no log.
    async fn from(&self, position: Position) -> anyhow::Result<Option<Piece>>;

    /// How the run, or its attempt, ended; `None` while it goes on.
    async fn ended(&self) -> anyhow::Result<Option<Ending>>;
}

/// Why there is nothing more to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The run has ended.
    Run {
        /// Its state: SUCCESS, FAILED, CANCELLED.
        state: String,
        /// What the service says of it.
        details: String,
    },
    /// Only this attempt has ended.
    Attempt {
        /// The attempt after it.
        next: u32,
    },
}

/// A log being read.
#[derive(Default)]
pub struct Reading {
    position: Position,
    members: Members,
    seen: bool,
}

impl Reading {
    /// Writes what is new. True if there was something.
    pub async fn step(
        &mut self,
        followed: &dyn Followed,
        out: &mut (dyn Write + Send),
    ) -> anyhow::Result<bool> {
        let Some(Piece { bytes, full }) = followed.from(self.position).await? else {
            // A log that was there does not go away while it is followed.
            return if self.seen { bail!("the log was removed") } else { Ok(false) };
        };
        self.seen = true;
        self.position = match full {
            true => Position { files: self.position.files + 1, offset: 0 },
            false => Position { offset: self.position.offset + bytes.len() as u64, ..self.position },
        };
        let text = self.members.take(&bytes).context("the log is damaged")?;
        out.write_all(&text)?;
        out.flush()?;
        Ok(full || !bytes.is_empty())
    }

    /// Whether the object exists.
    pub fn seen(&self) -> bool {
        self.seen
    }

    /// Whether it ends inside a gzip member.
    pub fn has_rest(&self) -> bool {
        self.members.has_rest()
    }
}

/// Reads on until the run has ended and nothing is left to read. What is [`Away`] is waited for.
pub async fn follow(
    followed: &dyn Followed,
    reading: &mut Reading,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<Ending> {
    let (mut asked, mut answered) = (None, Instant::now());
    loop {
        match look(followed, reading, out, &mut asked).await {
            Ok(Some(ending)) => return Ok(ending),
            Ok(None) => answered = Instant::now(),
            Err(error) if error.is::<Away>() && answered.elapsed() < PATIENCE => {
                // The answer may have been lost on the way: the run is asked after again before anything is concluded.
                asked = None;
            }
            Err(error) => return Err(error),
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn look(
    followed: &dyn Followed,
    reading: &mut Reading,
    out: &mut (dyn Write + Send),
    asked: &mut Option<Instant>,
) -> anyhow::Result<Option<Ending>> {
    // The logs are whole before a run's end can be seen: what is read after that is all there is.
    let ending = match asked {
        Some(when) if when.elapsed() < ASK => None,
        _ => {
            let ending = followed.ended().await?;
            *asked = Some(Instant::now());
            ending
        }
    };
    while reading.step(followed, out).await? {}
    Ok(ending)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::sync::{Arc, Mutex};

    #[derive(Default)]
    struct Shown {
        away: u32,
        full: Vec<Vec<u8>>,
        object: Option<Vec<u8>>,
        ending: Option<Ending>,
        reads: Vec<Position>,
    }

    #[derive(Clone, Default)]
    struct Stage(Arc<Mutex<Shown>>);

    #[derive(Clone, Default)]
    struct Out(Arc<Mutex<Vec<u8>>>);

    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Out {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[async_trait]
    impl Followed for Stage {
        async fn from(&self, position: Position) -> anyhow::Result<Option<Piece>> {
            let mut shown = self.0.lock().unwrap();
            if shown.away > 0 {
                shown.away -= 1;
                return Err(Away("not now".into()).into());
            }
            shown.reads.push(position);
            let at = usize::try_from(position.offset).unwrap();
            let full = shown.full.get(position.files as usize);
            Ok(full.or(shown.object.as_ref()).map(|object| {
                let bytes = Bytes::copy_from_slice(&object[at..]);
                Piece { bytes, full: full.is_some() }
            }))
        }

        async fn ended(&self) -> anyhow::Result<Option<Ending>> {
            Ok(self.0.lock().unwrap().ending.clone())
        }
    }

    fn member(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn ending(state: &str) -> Ending {
        Ending::Run { state: state.into(), details: String::new() }
    }

    impl Stage {
        fn append(&self, bytes: &[u8]) {
            self.0.lock().unwrap().object.get_or_insert_default().extend_from_slice(bytes);
        }

        fn end(&self, state: &str) {
            self.0.lock().unwrap().ending = Some(ending(state));
        }
    }

    async fn until(out: &Out, text: &str) {
        let waited = async {
            while out.text() != text {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), waited)
            .await
            .unwrap_or_else(|_| panic!("{:?}", out.text()));
    }

    #[tokio::test]
    async fn members_appended_while_following_are_printed_once_and_in_order() {
        let (stage, out) = (Stage::default(), Out::default());
        let (followed, mut writer) = (stage.clone(), out.clone());
        let following =
            tokio::spawn(
                async move { follow(&followed, &mut Reading::default(), &mut writer).await.unwrap() },
            );
        let (one, two, three) = (member("one\n"), member("two\n"), member("three\n"));
        stage.append(&one);
        until(&out, "one\n").await;
        stage.append(&[&two[..], &three[..5]].concat());
        until(&out, "one\ntwo\n").await;
        {
            // The end and the last bytes come together: both are seen.
            let mut shown = stage.0.lock().unwrap();
            shown.object.as_mut().unwrap().extend_from_slice(&three[5..]);
            shown.ending = Some(ending("SUCCESS"));
        }
        assert_eq!(following.await.unwrap(), ending("SUCCESS"));
        assert_eq!(out.text(), "one\ntwo\nthree\n");
        let reads = stage.0.lock().unwrap().reads.clone();
        assert!(reads.is_sorted(), "only new bytes are read: {reads:?}");
    }

    #[tokio::test]
    async fn it_goes_on_where_it_was_when_files_are_full() {
        let (stage, mut out, mut reading) = (Stage::default(), Out::default(), Reading::default());
        stage.append(&member("one\n"));
        assert!(reading.step(&stage, &mut out).await.unwrap());
        {
            // Two files are filled while nobody looks, and the newest has begun.
            let mut shown = stage.0.lock().unwrap();
            let first = shown.object.replace(member("five\n")).unwrap();
            shown.full =
                vec![[first, member("two\n")].concat(), [member("three\n"), member("four\n")].concat()];
        }
        stage.end("SUCCESS");
        assert_eq!(follow(&stage, &mut reading, &mut out).await.unwrap(), ending("SUCCESS"));
        assert_eq!(out.text(), "one\ntwo\nthree\nfour\nfive\n");
    }

    #[tokio::test]
    async fn a_service_that_is_away_for_a_moment_is_waited_for() {
        let (stage, mut out) = (Stage::default(), Out::default());
        stage.append(&member("one\n"));
        stage.end("SUCCESS");
        stage.0.lock().unwrap().away = 3;
        assert_eq!(follow(&stage, &mut Reading::default(), &mut out).await.unwrap(), ending("SUCCESS"));
        assert_eq!(out.text(), "one\n");
    }

    #[tokio::test]
    async fn a_run_that_ends_without_a_log_ends_the_following() {
        let stage = Stage::default();
        stage.end("FAILED");
        let (mut reading, mut out) = (Reading::default(), Out::default());
        assert_eq!(follow(&stage, &mut reading, &mut out).await.unwrap(), ending("FAILED"));
        assert!(!reading.seen() && !reading.has_rest());
    }

    #[tokio::test]
    async fn a_removed_log_is_an_error_and_a_cut_one_is_noticed() {
        let (stage, mut reading, mut out) = (Stage::default(), Reading::default(), Out::default());
        stage.append(&member("x")[..9]);
        assert!(reading.step(&stage, &mut out).await.unwrap());
        assert!(reading.has_rest());
        stage.0.lock().unwrap().object = None;
        assert!(reading.step(&stage, &mut out).await.unwrap_err().to_string().contains("removed"));
    }
}
