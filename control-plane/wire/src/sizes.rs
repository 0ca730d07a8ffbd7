//! Sizes of workers as texts: "4 vCPU", "4vcpu", "4"; "16 GB", "16gb", "16". Which sizes exist is a rule, and not known here.

/// Reads a number of vCPUs, with or without its unit; `None` unless it is a whole number from 1 without leading zeros.
pub fn parse_vcpu(text: &str) -> Option<u64> {
    let units = ["vCPU", "vcpu", "VCPU"];
    number(units.iter().find_map(|unit| text.strip_suffix(unit)).unwrap_or(text))
}

/// Reads gigabytes of memory, with or without the unit.
pub fn parse_memory_gb(text: &str) -> Option<u64> {
    parse_disk_gb(text).or_else(|| number(text))
}

/// Reads gigabytes of disk; the model demands the unit here.
pub fn parse_disk_gb(text: &str) -> Option<u64> {
    let units = ["GB", "gb", "gB", "Gb"];
    number(units.iter().find_map(|unit| text.strip_suffix(unit))?)
}

/// As answers show vCPUs: `4 vCPU`.
pub fn print_vcpu(vcpu: u64) -> String {
    format!("{vcpu} vCPU")
}

/// As answers show memory and disk: `16 GB`.
pub fn print_gb(gigabytes: u64) -> String {
    format!("{gigabytes} GB")
}

/// Digits and at most one white-space character after them: the model lets it stand even where no unit follows.
fn number(text: &str) -> Option<u64> {
    let digits = text.strip_suffix([' ', '\t', '\n', '\r', '\x0b', '\x0c']).unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::model;
    use proptest::prelude::*;

    #[test]
    fn table() {
        for text in ["4 vCPU", "4vCPU", "4vcpu", "4 VCPU", "4", "4 ", "4\tvCPU"] {
            assert_eq!(parse_vcpu(text), Some(4), "{text}");
        }
        for text in ["", "0", "04", "4  ", "4  vCPU", "4 Vcpu", "vCPU", "-4", "+4", "4.5", "4 GB", "٤"] {
            assert_eq!(parse_vcpu(text), None, "{text}");
        }
        assert_eq!([parse_memory_gb("16 GB"), parse_memory_gb("16gb"), parse_memory_gb("16")], [Some(16); 3]);
        assert_eq!([parse_memory_gb("16  "), parse_memory_gb("16 MB"), parse_memory_gb("")], [None; 3]);
        assert_eq!([parse_disk_gb("20 GB"), parse_disk_gb("20")], [Some(20), None]);
        assert_eq!((print_vcpu(4), print_gb(16)), ("4 vCPU".into(), "16 GB".into()));
    }

    proptest! {
        #[test]
        fn read_exactly_what_the_model_allows(text in "[0-9]{0,3}[ \t]{0,2}(vCPU|vcpu|VCPU|GB|gb|gB|Gb|Vcpu|x)?") {
            let allowed = |shape: &str| model().shape_named(shape).and_then(|s| s.pattern.as_ref()).is_some_and(|p| p.matches(&text));
            prop_assert_eq!(parse_vcpu(&text).is_some(), allowed("CpuSize"), "{:?}", text);
            prop_assert_eq!(parse_memory_gb(&text).is_some(), allowed("MemorySize"), "{:?}", text);
            prop_assert_eq!(parse_disk_gb(&text).is_some(), allowed("DiskSize"), "{:?}", text);
        }

        #[test]
        fn what_is_printed_is_read_back(n in 1u64..1_000_000) {
            prop_assert_eq!(parse_vcpu(&print_vcpu(n)), Some(n));
            prop_assert_eq!(parse_memory_gb(&print_gb(n)), Some(n));
            prop_assert_eq!(parse_disk_gb(&print_gb(n)), Some(n));
        }
    }
}
