//! Texts with places in them that only the machine that starts an executor, or the very pod, can fill.

use serde::{Deserialize, Serialize};

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// As it is.
    Text(String),
    /// The folder that stands for this volume.
    Volume(String),
    /// The executor's address (`status.podIP`).
    PodIp,
    /// The pod's name (`metadata.name`).
    PodName,
    /// The pod's uid (`metadata.uid`).
    PodUid,
    /// The pod's namespace (`metadata.namespace`).
    Namespace,
    /// The machine's name (`spec.nodeName`).
    NodeName,
    /// Spark's number of the executor.
    ExecutorId,
}

/// A text as pieces.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(pub Vec<Piece>);

impl Template {
    /// One piece.
    pub(crate) fn of(piece: Piece) -> Self {
        Self(vec![piece])
    }

    /// `text` with every path below a mount turned into its volume. `mounts` are (path, volume), longest path first.
    pub(crate) fn with_mounts(text: &str, mounts: &[(String, String)]) -> Self {
        let (mut pieces, mut plain, mut at) = (Vec::new(), String::new(), 0);
        while let Some(c) = text[at..].chars().next() {
            let mount = mounts.iter().find(|(path, _)| names_path(text, at, path));
            if let Some((path, volume)) = mount {
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(Piece::Volume(volume.clone()));
                at += path.len();
            } else {
                plain.push(c);
                at += c.len_utf8();
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Self(pieces)
    }

    /// The text, with `fill` for every piece that is not plain.
    pub fn render(&self, fill: impl Fn(&Piece) -> String) -> String {
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            place => fill(place),
        };
        self.0.iter().map(text).collect()
    }
}

/// Whether the absolute path `path` stands at `at` in `text` as a path of its own (not as a part of a longer name,
/// nor behind a host or bucket).
fn names_path(text: &str, at: usize, path: &str) -> bool {
    let (before, here) = text.split_at(at);
    let Some(after) = here.strip_prefix(path) else { return false };
    let begins = before.is_empty()
        || before.ends_with(['=', ':', ',', ';', ' ', '"', '\''])
        || before.ends_with("file://");
    let ends = after.is_empty() || after.starts_with(['/', ':', ',', ';', ' ', '"', '\'']);
    begins && ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_paths_become_volumes_and_nothing_else_does() {
        let mounts = [("/data/x".to_owned(), "b".to_owned()), ("/data".to_owned(), "a".to_owned())];
        for (text, rendered) in [
            ("", ""),
            ("/data", "<a>"),
            ("/data/x,/data", "<b>,<a>"),
            ("/data/x/y:/data/z", "<b>/y:<a>/z"),
            ("-Dtmp=/data/t", "-Dtmp=<a>/t"),
            ("file:///data/t file:/data", "file://<a>/t file:<a>"),
            ("/data/xy", "<a>/xy"),
            ("/database", "/database"),
            ("s3://bucket/data/x", "s3://bucket/data/x"),
            ("hdfs:///data", "hdfs:///data"),
            ("é/data /data", "é/data <a>"),
        ] {
            let fill = |piece: &Piece| match piece {
                Piece::Volume(name) => format!("<{name}>"),
                other => panic!("{other:?}"),
            };
            assert_eq!(Template::with_mounts(text, &mounts).render(fill), rendered, "{text}");
        }
    }
}
