//! GetObject and HeadObject.

use s3s::dto::{
    ChecksumMode, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, Range, StreamingBlob,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::Api;
use super::alike::described;
use super::answer::not_modified;
use super::request::{read_condition, s3_refusal};
use crate::body::send;
use crate::index::{ObjectRecord, ReadCondition, Reading, Sum};

/// What S3 says of an object whose writer said nothing.
const DEFAULT_TYPE: &str = "binary/octet-stream";

/// The stretch of an object that a request is about.
struct Stretch {
    from: u64,
    to: u64,
    /// Whether it was asked for, so that the answer is 206.
    partial: bool,
    /// The number of parts, if one of them was asked for.
    parts: Option<i32>,
    /// Which part it is, counted from 0, if it is one of several or of one.
    part: Option<usize>,
}

impl Stretch {
    fn content_range(&self, record: &ObjectRecord) -> Option<String> {
        self.partial.then(|| format!("bytes {}-{}/{}", self.from, self.to - 1, record.size))
    }

    /// The checksum of just these bytes, if it is known.
    fn sum(&self, record: &ObjectRecord) -> Option<Sum> {
        let sum = record.sum.clone()?;
        match self.part {
            Some(at) => record.parts.get(at)?.sum.clone().map(|value| Sum { value, ..sum }),
            None => (self.to - self.from == record.size).then_some(sum),
        }
    }
}

fn check(record: &ObjectRecord, condition: &ReadCondition) -> S3Result<()> {
    match condition.check(record) {
        Reading::Holds => Ok(()),
        Reading::NotModified => Err(not_modified(record)),
        Reading::Failed => Err(s3_error!(
            PreconditionFailed,
            "At least one of the pre-conditions you specified did not hold"
        )),
    }
}

fn stretch(record: &ObjectRecord, range: Option<Range>, part: Option<i32>) -> S3Result<Stretch> {
    let unsatisfiable = || s3_error!(InvalidRange, "The requested range is not satisfiable");
    let whole = Stretch { from: 0, to: record.size, partial: false, parts: None, part: None };
    match (range, part) {
        (Some(_), Some(_)) => {
            Err(s3_error!(InvalidRequest, "Cannot specify both Range header and partNumber query parameter"))
        }
        (None, None) => Ok(whole),
        (Some(range), None) => {
            // A suffix of an empty object, or of no bytes, is unsatisfiable too.
            let bytes = range.check(record.size).map_err(|_| unsatisfiable())?;
            match bytes.is_empty() {
                true => Err(unsatisfiable()),
                false => Ok(Stretch { from: bytes.start, to: bytes.end, partial: true, ..whole }),
            }
        }
        (None, Some(number)) => part_stretch(record, number, whole),
    }
}

fn part_stretch(record: &ObjectRecord, number: i32, whole: Stretch) -> S3Result<Stretch> {
    let missing = || {
        let code = S3ErrorCode::Custom("InvalidPartNumber".into());
        let mut error = S3Error::with_message(code, "The requested partnumber is not satisfiable");
        error.set_status_code(http::StatusCode::RANGE_NOT_SATISFIABLE);
        error
    };
    if record.parts.is_empty() {
        return if number == 1 { Ok(Stretch { partial: record.size > 0, ..whole }) } else { Err(missing()) };
    }
    // Parts are counted as they lie, whatever numbers they were uploaded under.
    let at = usize::try_from(number).ok().and_then(|number| number.checked_sub(1)).ok_or_else(missing)?;
    let part = record.parts.get(at).ok_or_else(missing)?;
    let from: u64 = record.parts[..at].iter().map(|part| part.size).sum();
    let parts = Some(record.parts.len() as i32);
    Ok(Stretch { from, to: from + part.size, partial: part.size > 0, parts, part: Some(at) })
}

fn content_type(record: &ObjectRecord) -> Option<String> {
    Some(record.about.content_type.clone().unwrap_or_else(|| DEFAULT_TYPE.into()))
}

fn wants_checksum(mode: Option<&ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str().eq_ignore_ascii_case(ChecksumMode::ENABLED))
}

fn only_null_version(version: Option<&str>) -> S3Result<()> {
    match version {
        None | Some("null") => Ok(()),
        Some(_) => Err(s3_error!(InvalidArgument, "Invalid version id specified")),
    }
}

fn tag_count(record: &ObjectRecord) -> Option<i32> {
    (!record.about.tags.is_empty()).then_some(record.about.tags.len() as i32)
}

impl Api {
    pub(super) async fn get(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = req.input;
        only_null_version(input.version_id.as_deref())?;
        let era = self.blobs.enter();
        let condition = read_condition(
            input.if_match,
            input.if_none_match,
            input.if_modified_since,
            input.if_unmodified_since,
        );
        // The record, the row that may hold its body, and so the whole answer are of one snapshot.
        let read = self.index.read(|snapshot| {
            let record = snapshot.object(&input.bucket, &input.key)?;
            let stretch =
                check(&record, &condition).and_then(|()| stretch(&record, input.range, input.part_number));
            let stretch = match stretch {
                Ok(stretch) => stretch,
                Err(error) => return Ok(Err(error)),
            };
            let body = send(snapshot, &record.pieces, (stretch.from, stretch.to), &self.blobs, era)?;
            Ok(Ok((record, stretch, body)))
        });
        let (record, stretch, body) = read.map_err(s3_refusal)??;
        Ok(described!(GetObjectOutput, input, record, stretch, {
            body: Some(StreamingBlob::from(body)),
            tag_count: tag_count(&record),
        }))
    }

    pub(super) async fn head(
        &self,
        req: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = req.input;
        only_null_version(input.version_id.as_deref())?;
        let condition = read_condition(
            input.if_match,
            input.if_none_match,
            input.if_modified_since,
            input.if_unmodified_since,
        );
        let record =
            self.index.read(|snapshot| snapshot.object(&input.bucket, &input.key)).map_err(s3_refusal)?;
        check(&record, &condition)?;
        let stretch = stretch(&record, input.range, input.part_number)?;
        let mut response = described!(HeadObjectOutput, input, record, stretch, {});
        if let Some(count) = tag_count(&record) {
            // s3s 0.14 does not carry it in the output.
            response.headers.insert("x-amz-tagging-count", count.into());
        }
        Ok(response)
    }
}
