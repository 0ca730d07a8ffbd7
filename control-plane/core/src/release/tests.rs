use super::*;

/// The whole catalogue as text, one release a line; a change of any cell is a change of this table.
const GOLDEN: &str = "\
emr-6.6.0 spark=3.2.0 hadoop=3.2.1/3.3.1 cloud=- scala=2.12.10 python=3.7,2.7 of 3.6-3.10 java=8 of 8-17 AL2
emr-6.7.0 spark=3.2.1 hadoop=3.2.1/3.3.1 cloud=- scala=2.12.15 python=3.7,2.7 of 3.6-3.10 java=8 of 8-17 AL2
emr-6.8.0 spark=3.3.0 hadoop=3.2.1/3.3.2 cloud=- scala=2.12.15 python=3.7,2.7 of 3.7-3.10 java=8 of 8-17 AL2
emr-6.9.0 spark=3.3.0 hadoop=3.3.3/3.3.2 cloud=- scala=2.12.15 python=3.7,2.7 of 3.7-3.10 java=8 of 8-17 AL2
emr-6.10.0 spark=3.3.1 hadoop=3.3.3/3.3.2 cloud=- scala=2.12.15 python=3.7,2.7 of 3.7-3.10 java=8 of 8-17 AL2
emr-6.11.0 spark=3.3.2 hadoop=3.3.3/3.3.2 cloud=- scala=2.12.15 python=3.7,2.7 of 3.7-3.10 java=8,17 of 8-17 AL2
emr-6.12.0 spark=3.4.0 hadoop=3.3.3/3.3.4 cloud=3.4.3 scala=2.12.15 python=3.7,2.7 of 3.7-3.11 java=8,17 of 8-17 AL2
emr-6.13.0 spark=3.4.1 hadoop=3.3.3/3.3.4 cloud=3.4.3 scala=2.12.15 python=3.7,2.7 of 3.7-3.11 java=8,17 of 8-17 AL2
emr-6.14.0 spark=3.4.1 hadoop=3.3.3/3.3.4 cloud=3.4.3 scala=2.12.15 python=3.7,2.7 of 3.7-3.11 java=8,17 of 8-17 AL2
emr-6.15.0 spark=3.4.1 hadoop=3.3.6/3.3.4 cloud=3.4.3 scala=2.12.15 python=3.7,2.7 of 3.7-3.11 java=8,17 of 8-17 AL2
emr-7.0.0 spark=3.5.0 hadoop=3.3.6/3.3.4 cloud=3.5.8 scala=2.12.17 python=3.9 of 3.8-3.12 java=17 of 8-17 AL2023
emr-7.1.0 spark=3.5.0 hadoop=3.3.6/3.3.4 cloud=3.5.8 scala=2.12.17 python=3.9,3.11 of 3.8-3.12 java=17 of 8-17 AL2023
emr-7.2.0 spark=3.5.1 hadoop=3.3.6/3.3.4 cloud=3.5.8 scala=2.12.17 python=3.9,3.11 of 3.8-3.12 java=17 of 8-17 AL2023
emr-7.3.0 spark=3.5.1 hadoop=3.3.6/3.3.4 cloud=3.5.8 scala=2.12.18 python=3.9,3.11 of 3.8-3.12 java=17 of 8-17 AL2023
emr-7.4.0 spark=3.5.2 hadoop=3.4.0/3.3.4 cloud=3.5.8 scala=2.12.18 python=3.9,3.11 of 3.8-3.12 java=17 of 8-17 AL2023
emr-7.5.0 spark=3.5.2 hadoop=3.4.0/3.3.4 cloud=3.5.8 scala=2.12.18 python=3.9,3.11 of 3.8-3.12 java=17 of 8-17 AL2023
emr-7.6.0 spark=3.5.3 hadoop=3.4.0/3.3.4 cloud=3.5.8 scala=2.12.18 python=3.9,3.11 of 3.8-3.12 java=17 of 8-17 AL2023
emr-7.7.0 spark=3.5.3 hadoop=3.4.0/3.3.4 cloud=3.5.8 scala=2.12.18 python=3.9,3.11 of 3.8-3.12 java=17 of 8-17 AL2023
emr-7.8.0 spark=3.5.4 hadoop=3.4.1/3.3.4 cloud=3.5.8 scala=2.12.18 python=3.9,3.11 of 3.8-3.12 java=17 of 8-17 AL2023
emr-7.9.0 spark=3.5.5 hadoop=3.4.1/3.3.4 cloud=3.5.8 scala=2.12.18 python=3.9,3.11 of 3.8-3.12 java=17 of 8-17 AL2023
emr-7.10.0 spark=3.5.5 hadoop=3.4.1/3.3.4 cloud=3.5.8 scala=2.12.18 python=3.9,3.11 of 3.8-3.12 java=17 of 8-17 AL2023
emr-7.11.0 spark=3.5.6 hadoop=3.4.1/3.3.4 cloud=3.5.8 scala=2.12.18 python=3.9,3.11 of 3.8-3.12 java=17 of 8-17 AL2023
emr-7.12.0 spark=3.5.6 hadoop=3.4.1/3.3.4 cloud=3.5.8 scala=2.12.18 python=3.9,3.11 of 3.8-3.12 java=17 of 8-17 AL2023
emr-7.13.0 spark=3.5.6 hadoop=3.4.2/3.3.4 cloud=3.5.8 scala=2.12.18 python=3.11,3.9 of 3.8-3.12 java=17 of 8-17 AL2023
emr-7.14.0 spark=3.5.8 hadoop=3.4.2/3.3.4 cloud=3.5.8 scala=2.12.18 python=3.11,3.9 of 3.8-3.12 java=17 of 8-17 AL2023
emr-spark-8.0-preview spark=4.0.1 hadoop=3.4.1/3.4.1 cloud=4.0.2 scala=2.13.16 python=3.9,3.11,3.12 of 3.9-3.13 java=17 of 17-21 AL2023
emr-spark-8.0.0 spark=4.0.2 hadoop=3.4.2/3.4.1 cloud=4.0.2 scala=2.13.16 python=3.11,3.13 of 3.9-3.13 java=17,21 of 17-21 AL2023
emr-spark-8.1.0 spark=4.1.1 hadoop=3.4.2/3.4.2 cloud=4.1.1 scala=2.13.17 python=3.11,3.13 of 3.10-3.14 java=17,21 of 17-21 AL2023
";

fn line(release: &Release) -> String {
    let build = release.build();
    let java: Vec<String> = release.java.iter().map(u16::to_string).collect();
    format!(
        "{} spark={} hadoop={}/{} cloud={} scala={} python={} of {}.{}-{}.{} java={} of {}-{} {}\n",
        release.label,
        release.spark,
        release.hadoop,
        build.hadoop,
        build.cloud.unwrap_or("-"),
        release.scala,
        release.python.join(","),
        build.python.low.0,
        build.python.low.1,
        build.python.high.0,
        build.python.high.1,
        java.join(","),
        build.java.low.0,
        build.java.high.0,
        release.os,
    )
}

#[test]
fn the_catalogue_is_as_written_down() {
    assert_eq!(all().iter().map(line).collect::<String>(), GOLDEN);
}

#[test]
fn every_release_has_the_build_of_its_own_spark() {
    for release in all() {
        assert_eq!(release.build().spark, release.spark, "{}", release.label);
        assert!(release.scala.starts_with(release.build().scala), "{}", release.label);
    }
}

#[test]
fn the_catalogue_is_in_order_and_found_by_label() {
    assert!(all().windows(2).all(|pair| pair[0] < pair[1]));
    for release in all() {
        assert_eq!(find(release.label), Some(release));
    }
    for unknown in ["", "emr-7.13", "emr-5.36.0", "EMR-7.13.0", "emr-spark-8.2.0"] {
        assert_eq!(find(unknown), None, "{unknown}");
    }
}

#[test]
fn gates_open_at_their_release() {
    let first = |gate: fn(&Release) -> bool| all().iter().find(|r| gate(r)).map(|r| r.label);
    assert_eq!(first(Release::s3a_is_default), Some("emr-7.10.0"));
    assert_eq!(first(Release::scheduler_default_on), Some("emr-7.3.0"));
    assert_eq!(first(Release::per_property_merge), Some("emr-spark-8.1.0"));
    assert_eq!(first(|r| r.dynamic_allocation_max_default().is_none()), Some("emr-6.10.0"));
    assert_eq!(find("emr-6.9.0").and_then(Release::dynamic_allocation_max_default), Some(100));
}

#[test]
fn a_label_is_text_on_the_wire() {
    let label: ReleaseLabel = serde_json::from_str("\"emr-6.15.0\"").unwrap();
    assert_eq!(label.release().map(|r| r.spark), Some("3.4.1"));
    assert_eq!(serde_json::to_string(&label).unwrap(), "\"emr-6.15.0\"");
    assert_eq!(ReleaseLabel::new("emr-99.0.0").release(), None);
}

#[test]
fn versions_compare_by_number() {
    assert!(Version::parse("3.10.2") > Version::parse("3.9.18"));
    assert_eq!(Version::parse("17"), Some(Version::new(17, 0, 0)));
    for bad in ["", "3.", "3.x", "3.1.2.3", "-1"] {
        assert_eq!(Version::parse(bad), None, "{bad}");
    }
    let span = find("emr-7.13.0").unwrap().build().python;
    assert!(span.holds((3, 8)) && span.holds((3, 12)) && !span.holds((3, 13)) && !span.holds((3, 7)));
}
