//! Amounts as text: Kubernetes quantities (`500m`, `1408Mi`) and the JVM's sizes (`600m`).

/// A Kubernetes CPU quantity in millicores, rounded up: `1` is 1000, `500m` is 500. `None` if it is not one.
pub(crate) fn cpu_millis(text: &str) -> Option<u64> {
    match text.strip_suffix('m') {
        Some(millis) => scaled(millis, 1),
        None => scaled(text, 1000),
    }
}

/// A Kubernetes memory quantity in bytes, rounded up: `1408Mi`, `2G`, `1.5Gi`. `None` if it is not one.
pub(crate) fn memory_bytes(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 11] = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
        ("Ti", 1 << 40),
        ("Pi", 1 << 50),
        ("k", 1_000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
        ("T", 1_000_000_000_000),
        ("P", 1_000_000_000_000_000),
        ("", 1),
    ];
    UNITS.iter().find_map(|(unit, size)| text.strip_suffix(unit).map(|number| scaled(number, *size)))?
}

/// A size as Spark and the JVM write it: `600m`, `1g`, `2048k`, `512mb`. Without a unit, bytes.
pub(crate) fn jvm_bytes(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let bare = lower.strip_suffix('b').unwrap_or(&lower);
    let (number, shift) = match bare.chars().last()? {
        'k' => (&bare[..bare.len() - 1], 10),
        'm' => (&bare[..bare.len() - 1], 20),
        'g' => (&bare[..bare.len() - 1], 30),
        't' => (&bare[..bare.len() - 1], 40),
        _ => (bare, 0),
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// A decimal number (`12`, `0.5`) times `unit`, rounded up, without floating point.
fn scaled(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) || fraction.len() > 9
    {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let tenths = 10_u128.pow(fraction.len() as u32);
    let fraction: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let parts = whole.checked_mul(tenths)?.checked_add(fraction)?.checked_mul(u128::from(unit))?;
    u64::try_from(parts.div_ceil(tenths)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_cpu() {
        for (text, millis) in [
            ("1", Some(1000)),
            ("4", Some(4000)),
            ("500m", Some(500)),
            ("0.5", Some(500)),
            ("0.0001", Some(1)),
            (".5", Some(500)),
            ("", None),
            ("m", None),
            ("-1", None),
            ("1e3", None),
            ("one", None),
        ] {
            assert_eq!(cpu_millis(text), millis, "{text}");
        }
    }

    #[test]
    fn reads_memory() {
        for (text, bytes) in [
            ("1408Mi", Some(1408 << 20)),
            ("984Mi", Some(984 << 20)),
            ("1.5Gi", Some(3 << 29)),
            ("2G", Some(2_000_000_000)),
            ("128974848", Some(128_974_848)),
            ("3k", Some(3000)),
            ("Mi", None),
            ("99999999999999Pi", None),
            ("1 Gi", None),
        ] {
            assert_eq!(memory_bytes(text), bytes, "{text}");
        }
    }

    #[test]
    fn reads_jvm_sizes() {
        for (text, bytes) in [
            ("600m", Some(600 << 20)),
            ("1g", Some(1 << 30)),
            ("1GB", Some(1 << 30)),
            ("2048k", Some(2 << 20)),
            ("1048576", Some(1 << 20)),
            ("", None),
            ("b", None),
            ("m", None),
            ("x1g", None),
        ] {
            assert_eq!(jvm_bytes(text), bytes, "{text}");
        }
    }
}
