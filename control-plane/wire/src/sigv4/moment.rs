//! The signature's own form of time, `YYYYMMDDTHHMMSSZ`, without a calendar library: it is read for every request.

use crate::shapes::Timestamp;

/// Reads `20260102T030405Z`; `None` for anything else, impossible days included.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let bytes: &[u8; 16] = text.as_bytes().try_into().ok()?;
    if bytes[8] != b'T' || bytes[15] != b'Z' {
        return None;
    }
    let number = |from: usize, to: usize| {
        bytes[from..to]
            .iter()
            .try_fold(0i64, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
    let possible = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    if !possible || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(Timestamp(1000 * (86_400 * days_since_1970(year, month, day) + 3600 * hour + 60 * minute + second)))
}

/// Writes a moment as `20260102T030405Z`; milliseconds are dropped.
pub(super) fn format(moment: Timestamp) -> String {
    let seconds = moment.0.div_euclid(1000);
    let (year, month, day) = date_of(seconds.div_euclid(86_400));
    let rest = seconds.rem_euclid(86_400);
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01, in the Gregorian calendar. Years begin in March here, so that the leap day comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_real_moments_are_read() {
        assert_eq!(parse("20260102T030405Z"), Some(Timestamp(1_767_323_045_000)));
        assert_eq!(parse("20240229T235959Z"), Some(Timestamp(1_709_251_199_000)));
        for bad in [
            "",
            "20260229T000000Z",
            "20260102T240000Z",
            "20260102T036005Z",
            "20261302T030405Z",
            "20260100T030405Z",
            "2026-102T030405Z",
            "20260102 030405Z",
            "20260102T030405",
            "20260102T030405ZZ",
            "２０26010T030405Z",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_a_calendar_library(seconds in 0i64..253_402_300_799) {
            let theirs = jiff::Timestamp::from_second(seconds).expect("in range").strftime("%Y%m%dT%H%M%SZ").to_string();
            prop_assert_eq!(&format(Timestamp(seconds * 1000)), &theirs);
            prop_assert_eq!(parse(&theirs), Some(Timestamp(seconds * 1000)));
        }
    }
}
