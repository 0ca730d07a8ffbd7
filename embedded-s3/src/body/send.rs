//! Sending a stretch of an object's body, piece by piece.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use s3s::Body;

use crate::blobs::{Blobs, Era};
use crate::index::{Piece, Refusal, Snapshot};

/// The most that is read from a blob file at once, in bytes.
const CHUNK: u64 = 256 * 1024;

enum Stretch {
    Bytes(Bytes),
    File { blob: u64, offset: u64, len: u64 },
}

/// The body of bytes `from..to`. `era` must have been entered before the snapshot was taken: it
/// keeps the blob files in place until the body has been sent.
pub fn send(
    snapshot: &Snapshot,
    pieces: &[Piece],
    (from, to): (u64, u64),
    blobs: &Arc<Blobs>,
    era: Arc<Era>,
) -> Result<Body, Refusal> {
    let mut stretches = cut(snapshot, pieces, from, to)?;
    match (stretches.pop_front(), stretches.is_empty()) {
        (None, _) => Ok(Body::from(Bytes::new())),
        (Some(Stretch::Bytes(bytes)), true) => Ok(Body::from(bytes)),
        (Some(first), _) => {
            stretches.push_front(first);
            let reader = Reader { stretches, open: None, blobs: blobs.clone(), _era: era };
            let frames = stream::try_unfold(reader, |mut reader| async move {
                let chunk = reader.next().await?;
                Ok::<_, std::io::Error>(chunk.map(|chunk| (Frame::data(chunk), reader)))
            });
            Ok(Body::http_body_unsync(StreamBody::new(frames)))
        }
    }
}

fn cut(snapshot: &Snapshot, pieces: &[Piece], from: u64, to: u64) -> Result<VecDeque<Stretch>, Refusal> {
    let mut stretches = VecDeque::new();
    let mut start = 0;
    for piece in pieces {
        let end = start + piece.len();
        let (low, high) = (from.max(start), to.min(end));
        if low < high {
            let within = (low - start) as usize..(high - start) as usize;
            stretches.push_back(match piece {
                Piece::Here(bytes) => Stretch::Bytes(bytes.slice(within)),
                Piece::Row { id, .. } => Stretch::Bytes(snapshot.row(*id)?.slice(within)),
                Piece::File { blob, offset, .. } => {
                    Stretch::File { blob: *blob, offset: offset + low - start, len: high - low }
                }
            });
        }
        start = end;
    }
    Ok(stretches)
}

struct Reader {
    stretches: VecDeque<Stretch>,
    open: Option<(u64, Arc<File>)>,
    blobs: Arc<Blobs>,
    _era: Arc<Era>,
}

impl Reader {
    async fn next(&mut self) -> std::io::Result<Option<Bytes>> {
        let (blob, offset, len) = match self.stretches.pop_front() {
            None => return Ok(None),
            Some(Stretch::Bytes(bytes)) => return Ok(Some(bytes)),
            Some(Stretch::File { blob, offset, len }) => (blob, offset, len),
        };
        let now = len.min(CHUNK);
        if now < len {
            self.stretches.push_front(Stretch::File { blob, offset: offset + now, len: len - now });
        }
        let open = self.open.take().filter(|(open, _)| *open == blob);
        let blobs = self.blobs.clone();
        let read = tokio::task::spawn_blocking(move || {
            let file = match open {
                Some((_, file)) => file,
                None => Arc::new(blobs.read(blob)?),
            };
            let mut chunk = BytesMut::zeroed(now as usize);
            file.read_exact_at(&mut chunk, offset)?;
            Ok::<_, std::io::Error>((file, chunk.freeze()))
        });
        let (file, chunk) = read.await.map_err(std::io::Error::other)??;
        self.open = Some((blob, file));
        Ok(Some(chunk))
    }
}
