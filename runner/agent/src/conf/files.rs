//! The configuration folder of one worker: `spark-defaults.conf`, `log4j2.properties`, Hadoop's XML files.

use super::log4j::log4j2;
use super::properties::site_files;
use crate::atomic;
use firesteel_core::spark::classification::DRIVER_LOG4J;
use firesteel_core::spark::{Configuration, Properties};
use std::fmt::Write;
use std::io;
use std::path::Path;

/// Writes a driver's configuration folder.
pub fn write_driver_folder(
    folder: &Path,
    properties: &Properties,
    configuration: &Configuration,
) -> io::Result<()> {
    atomic::write(&folder.join("spark-defaults.conf"), java_properties(properties).as_bytes())?;
    let log4j = log4j2(configuration.get(DRIVER_LOG4J));
    atomic::write(&folder.join("log4j2.properties"), java_properties(&log4j).as_bytes())?;
    for (file, properties) in site_files(configuration) {
        atomic::write(&folder.join(file), xml(properties).as_bytes())?;
    }
    Ok(())
}

/// Writes an executor's configuration folder: its properties come from the driver, so only logging is left.
pub fn write_executor_folder(folder: &Path, log4j: &Properties) -> io::Result<()> {
    atomic::write(&folder.join("log4j2.properties"), java_properties(log4j).as_bytes())
}

/// The format of `java.util.Properties`, in ASCII.
fn java_properties(properties: &Properties) -> String {
    let mut text = String::new();
    for (key, value) in properties {
        let key = escaped(key).replace(':', "\\:").replace('=', "\\=").replace(' ', "\\ ");
        let value = escaped(value);
        let lead = if value.starts_with(' ') { "\\" } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{key}={lead}{value}");
    }
    text
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(letter),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out
}

fn xml(properties: &Properties) -> String {
    let mut text = String::from("<?xml version=\"1.0\"?>\n<configuration>\n");
    for (key, value) in properties {
        let (key, value) = (entities(key), entities(value));
        let _ = writeln!(text, "  <property><name>{key}</name><value>{value}</value></property>");
    }
    text.push_str("</configuration>\n");
    text
}

fn entities(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_java_would_misread_is_escaped() {
        let properties = [("a b", " x"), ("c", "back\\slash\nline"), ("d", "ü€😀"), ("e", "-Dx=y:z #!")];
        let properties =
            properties.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        assert_eq!(
            java_properties(&properties),
            "a\\ b=\\ x\nc=back\\\\slash\\nline\nd=\\u00fc\\u20ac\\ud83d\\ude00\ne=-Dx=y:z #!\n"
        );
    }

    #[test]
    fn the_folder_is_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let site = Properties::from([("a<b".to_owned(), "x&y".to_owned())]);
        let configuration = Configuration::from([("hive-site".to_owned(), site)]);
        write_driver_folder(folder.path(), &Properties::new(), &configuration).unwrap();
        let mode = std::fs::metadata(folder.path().join("spark-defaults.conf")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
        let xml = std::fs::read_to_string(folder.path().join("hive-site.xml")).unwrap();
        assert!(xml.contains("<name>a&lt;b</name><value>x&amp;y</value>"), "{xml}");
    }
}
