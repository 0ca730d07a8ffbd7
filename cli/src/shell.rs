//! `firesteel env`: what points AWS CLI and SDKs at an installation, as text for a shell. No I/O.

use crate::folder::Installation;

/// One `export` line for each variable.
pub fn exports(installation: &Installation) -> String {
    let variables = [
        ("AWS_ENDPOINT_URL", installation.endpoint()),
        ("AWS_REGION", installation.region.clone()),
        ("AWS_DEFAULT_REGION", installation.region.clone()),
        ("AWS_ACCESS_KEY_ID", installation.operator.access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", installation.operator.secret_access_key.clone()),
        ("FIRESTEEL_ROLE_ARN", installation.role_arn()),
    ];
    variables.iter().map(|(name, value)| format!("export {name}={}\n", quoted(value))).collect()
}

/// The text as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:@%+=,".contains(&byte);
    match text {
        text if !text.is_empty() && text.bytes().all(plain) => text.to_owned(),
        text => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::DataFolder;

    #[test]
    fn a_shell_reads_back_every_value() {
        let parent = tempfile::tempdir().unwrap();
        let mut installation = DataFolder::choose(Some(parent.path().join("d"))).unwrap().open().unwrap();
        installation.region = "it's; rm -rf $HOME `x`".into();
        let script = format!(
            "{}printf '%s\\n' \"$AWS_REGION\" \"$AWS_ENDPOINT_URL\" \"$FIRESTEEL_ROLE_ARN\"",
            exports(&installation)
        );
        let shell = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
        let expected =
            "it's; rm -rf $HOME `x`\nhttp://127.0.0.1:9400\narn:aws:iam::000000000000:role/firesteel-job\n";
        assert_eq!(String::from_utf8(shell.stdout).unwrap(), expected);
    }

    #[test]
    fn exactly_the_six_variables() {
        let parent = tempfile::tempdir().unwrap();
        let installation = DataFolder::choose(Some(parent.path().join("d"))).unwrap().open().unwrap();
        let text = exports(&installation);
        let names: Vec<&str> =
            text.lines().map(|l| l.strip_prefix("export ").unwrap().split('=').next().unwrap()).collect();
        let expected = [
            "AWS_ENDPOINT_URL",
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "FIRESTEEL_ROLE_ARN",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn words_of_a_shell() {
        for (text, word) in [("a-b/c:d", "a-b/c:d"), ("", "''"), ("a b", "'a b'"), ("it's", r"'it'\''s'")] {
            assert_eq!(quoted(text), word);
        }
    }
}
