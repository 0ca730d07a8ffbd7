//! Sizes written as Spark reads them: `14G`, `200g`, `27GB`, `512m`, `1048576k`; a bare number has a default unit.
//!
//! Source: Spark's `JavaUtils.byteStringAs`.

/// Why a size cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a size: write a whole number with k, m, g or t, for example 14G")]
pub struct SizeText(pub String);

/// MiB of a size text whose bare number means MiB. Fractions of a MiB are cut off, as Spark does.
pub fn mib(text: &str) -> Result<u64, SizeText> {
    bytes(text, 1 << 20).map(|bytes| bytes >> 20)
}

/// Whole GB of a size text whose bare number means GB, rounded up.
pub fn gb(text: &str) -> Result<u32, SizeText> {
    let bytes = bytes(text, 1 << 30)?;
    u32::try_from(bytes.div_ceil(1 << 30)).map_err(|_| SizeText(text.to_owned()))
}

fn bytes(text: &str, bare: u64) -> Result<u64, SizeText> {
    let wrong = || SizeText(text.to_owned());
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(lower.len());
    let (number, unit) = lower.split_at(digits);
    let scale: u64 = match unit {
        "" => bare,
        "b" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => 1 << 20,
        "g" | "gb" => 1 << 30,
        "t" | "tb" => 1 << 40,
        "p" | "pb" => 1 << 50,
        _ => return Err(wrong()),
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(scale)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_as_spark_reads_them() {
        let table = [
            ("14G", 14_336),
            ("200g", 204_800),
            ("27GB", 27_648),
            ("512m", 512),
            ("1048576k", 1_024),
            ("2048", 2_048),
            (" 1t ", 1_048_576),
            ("1048575b", 0),
        ];
        for (text, expected) in table {
            assert_eq!(mib(text), Ok(expected), "{text}");
        }
        for text in ["", "g", "1.5g", "-1g", "14 G", "1gib", "99999999999p"] {
            assert_eq!(mib(text), Err(SizeText(text.into())), "{text}");
        }
    }

    #[test]
    fn a_bare_disk_size_is_gb() {
        assert_eq!(gb("20G"), Ok(20));
        assert_eq!(gb("20"), Ok(20));
        assert_eq!(gb("1025m"), Ok(2));
    }
}
