//! What to say when an executor that was asked for has no log: which ones have.

use super::place::Place;
use crate::failure::Failure;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::DisplayErrorContext;
use std::collections::BTreeSet;

/// Why there is nothing of this executor.
pub async fn missing(s3: &Client, folder: &Place, number: u32, state: &str) -> Failure {
    let prefix = folder.executors();
    let mut pages = s3.list_objects_v2().bucket(&folder.bucket).prefix(&prefix).into_paginator().send();
    let mut found = BTreeSet::new();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => {
                found.extend(page.contents().iter().filter_map(|object| executor(object.key()?, &prefix)))
            }
            Err(error) => return anyhow::anyhow!("{folder}: {}", DisplayErrorContext(error)).into(),
        }
    }
    anyhow::anyhow!("{}", text(number, &found, state)).into()
}

/// The number in `…SPARK_EXECUTOR/<n>/stdout.gz`.
fn executor(key: &str, prefix: &str) -> Option<u32> {
    key.strip_prefix(prefix)?.split('/').next()?.parse().ok()
}

fn text(number: u32, found: &BTreeSet<u32>, state: &str) -> String {
    let numbers: Vec<String> = found.iter().map(u32::to_string).collect();
    let known = match numbers.as_slice() {
        [] => "no executor has written anything".to_owned(),
        [one] => format!("executor {one} has a log"),
        many => format!("executors {} have logs", many.join(", ")),
    };
    if found.contains(&number) {
        return format!("executor {number} has written to its other stream only (the run is {state})");
    }
    format!("no log of an executor {number}: {known} (the run is {state})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_in_the_keys() {
        let prefix = "p/SPARK_EXECUTOR/";
        assert_eq!(executor("p/SPARK_EXECUTOR/12/stdout.gz", prefix), Some(12));
        assert_eq!(executor("p/SPARK_EXECUTOR/x/stdout.gz", prefix), None);
        assert_eq!(executor("p/SPARK_DRIVER/stdout.gz", prefix), None);
    }

    #[test]
    fn those_that_exist_are_named() {
        let said = |found: &[u32]| text(7, &found.iter().copied().collect(), "RUNNING");
        assert_eq!(
            said(&[]),
            "no log of an executor 7: no executor has written anything (the run is RUNNING)"
        );
        assert!(said(&[2]).contains("executor 2 has a log"));
        assert!(said(&[10, 2]).contains("executors 2, 10 have logs"));
        assert!(said(&[7]).contains("other stream"));
    }
}
