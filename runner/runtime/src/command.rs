//! Child programs of an installation: a cleaned environment in, a classified error out.

use crate::error::InstallError;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

/// Variables a child keeps: what pip, Maven and Java need to find themselves, their caches, proxies and certificates.
const KEPT: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "LANG",
    "LC_ALL",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "M2_HOME",
    "PYENV_ROOT",
];
const KEPT_PREFIXES: &[&str] = &["PIP_", "MAVEN_"];
const KEPT_PROXIES: &[&str] = &["http_proxy", "https_proxy", "no_proxy", "all_proxy", "ftp_proxy"];

/// Lines of a failed child's output that go into the error.
const TAIL_LINES: usize = 12;

/// A command for `program` with nothing in its environment but what is kept.
pub(crate) fn clean(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null());
    command.envs(std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_kept)));
    command
}

fn is_kept(name: &str) -> bool {
    KEPT.contains(&name)
        || KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || KEPT_PROXIES.contains(&name.to_ascii_lowercase().as_str())
}

/// Runs the command to its end and gives its standard output.
pub(crate) fn run(step: &str, command: &mut Command) -> Result<String, InstallError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => InstallError::ToolMissing { tool: program, hint: hint(command) },
        _ => InstallError::Io { what: format!("{step}: cannot start {program}"), source },
    })?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let said = plain(&format!("{stdout}\n{}", String::from_utf8_lossy(&output.stderr)));
    Err(classify(step, &output.status.to_string(), &said))
}

fn hint(command: &Command) -> &'static str {
    match Path::new(command.get_program()).file_name().and_then(OsStr::to_str) {
        Some("mvn") => "install Apache Maven 3.6 or newer",
        Some("java" | "javac") => "install a JDK 17",
        Some("tar") => "install tar",
        _ => "install it or put it on the PATH",
    }
}

/// Takes colour escapes out: Maven prints them even in batch mode.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            out.push(c);
        }
    }
    out
}

/// Signs of a registry that does not answer, in the words of pip and of Maven.
const UNREACHABLE: &[&str] = &[
    "Failed to establish a new connection",
    "Temporary failure in name resolution",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ProxyError",
    "(from versions: none)",
    "No plugin found for prefix",
    "UnknownHostException",
    "Connection refused",
    "connect timed out",
    "Could not transfer artifact",
    "in offline mode",
];

fn classify(step: &str, status: &str, said: &str) -> InstallError {
    let last_words = tail(said);
    if let Some(line) = said.lines().find(|line| line.contains("Checksum validation failed")) {
        return InstallError::Mismatch(format!("{step}: {}", line.trim()));
    }
    if let Some(line) = said.lines().find(|line| UNREACHABLE.iter().any(|sign| line.contains(sign))) {
        return InstallError::Unreachable { step: step.into(), detail: line.trim().into() };
    }
    if let Some(found) = not_served(said) {
        return found;
    }
    InstallError::Step { step: step.into(), status: status.into(), detail: last_words }
}

/// pip: "Could not find a version that satisfies the requirement X (from versions: 1, 2)"; Maven: "Could not find artifact G:A:jar:V".
fn not_served(said: &str) -> Option<InstallError> {
    if let Some((_, rest)) = said.split_once("satisfies the requirement ") {
        let (what, rest) = rest.split_once(" (from versions: ")?;
        let (served, _) = rest.split_once(')')?;
        let served = served.split(',').map(|version| version.trim().to_owned()).collect();
        return Some(InstallError::NotServed { what: what.into(), served });
    }
    let signs = ["Could not find artifact ", "Failure to find "];
    let (_, rest) = signs.iter().find_map(|sign| said.split_once(sign))?;
    let what = rest.split_whitespace().next()?.to_owned();
    Some(InstallError::NotServed { what, served: Vec::new() })
}

fn tail(said: &str) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_pip_and_maven_become_kinds() {
        let pip = "ERROR: Could not find a version that satisfies the requirement pyspark==3.5.66 (from versions: 3.5.5, 3.5.6)\nERROR: No matching distribution found";
        assert!(matches!(classify("s", "1", pip), InstallError::NotServed { what, served }
            if what == "pyspark==3.5.66" && served == ["3.5.5", "3.5.6"]));
        let mvn = "[ERROR] Failed: Could not find artifact org.apache.spark:spark-hadoop-cloud_2.12:jar:3.5.6 in central";
        assert!(matches!(classify("s", "1", mvn), InstallError::NotServed { what, .. }
            if what == "org.apache.spark:spark-hadoop-cloud_2.12:jar:3.5.6"));
        let none =
            "ERROR: Could not find a version that satisfies the requirement numpy==1 (from versions: none)";
        assert!(matches!(classify("s", "1", none), InstallError::Unreachable { .. }));
        let sums = "[ERROR] x: Checksum validation failed, expected 0000 but is f572";
        assert!(matches!(classify("s", "1", sums), InstallError::Mismatch(_)));
        assert!(matches!(classify("s", "1", "boom"), InstallError::Step { detail, .. } if detail == "boom"));
    }

    #[test]
    fn only_what_tools_need_is_inherited() {
        for kept in ["PATH", "HOME", "PIP_INDEX_URL", "MAVEN_OPTS", "https_proxy", "HTTPS_PROXY"] {
            assert!(is_kept(kept), "{kept}");
        }
        for dropped in
            ["AWS_SECRET_ACCESS_KEY", "SPARK_HOME", "PYTHONPATH", "JAVA_TOOL_OPTIONS", "KUBECONFIG"]
        {
            assert!(!is_kept(dropped), "{dropped}");
        }
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run("try", &mut clean("no-such-program-here")).unwrap_err();
        assert!(matches!(error, InstallError::ToolMissing { tool, .. } if tool == "no-such-program-here"));
    }

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(plain("\u{1b}[0m\u{1b}[1mhi\u{1b}[m"), "hi");
    }
}
