//! Why a request was not done, in words of storage. Knows nothing of HTTP.

/// A "no" of the index.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// No such bucket.
    #[error("The specified bucket does not exist")]
    NoSuchBucket,
    /// The bucket is there already, and it is the caller's.
    #[error("Your previous request to create the named bucket succeeded and you already own it.")]
    BucketExists,
    /// Only an empty bucket can be deleted.
    #[error("The bucket you tried to delete is not empty")]
    BucketNotEmpty,
    /// No such object.
    #[error("The specified key does not exist.")]
    NoSuchKey,
    /// No such multipart upload.
    #[error(
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
    )]
    NoSuchUpload,
    /// A condition did not hold.
    #[error("At least one of the pre-conditions you specified did not hold")]
    PreconditionFailed,
    /// A listed part is missing or differs.
    #[error(
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."
    )]
    InvalidPart,
    /// Parts were not listed in ascending order.
    #[error("The list of parts was not in ascending order. Parts must be ordered by part number.")]
    InvalidPartOrder,
    /// A part other than the last is below 5 MiB.
    #[error("Your proposed upload is smaller than the minimum allowed size")]
    PartTooSmall,
    /// The range lies outside the object.
    #[error("The requested range is not satisfiable")]
    InvalidRange,
    /// The request contradicts itself or what is stored.
    #[error("{0}")]
    InvalidRequest(String),
    /// A checksum that was given is not that of what was stored.
    #[error("{0}")]
    BadDigest(String),
    /// The store failed; whether a write took effect is not known.
    #[error("the store failed: {0}")]
    Storage(String),
}

macro_rules! storage_failure {
    ($($failure:ty),* $(,)?) => {$(
        impl From<$failure> for Refusal {
            fn from(failure: $failure) -> Self {
                Refusal::Storage(failure.to_string())
            }
        }
    )*};
}

storage_failure!(
    redb::Error,
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::DatabaseError,
    std::io::Error,
    super::record::BadRecord,
);
