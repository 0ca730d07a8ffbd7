//! `firesteel env`: what points AWS CLI and SDKs at an installation, as text for a shell. No I/O.

use crate::folder::{Installation, KeyPair};

/// One `export` line for each variable, with these keys.
pub fn exports(installation: &Installation, keys: &KeyPair) -> String {
    let mut variables = vec![
        ("AWS_ENDPOINT_URL", installation.endpoint()),
        ("AWS_REGION", installation.region.clone()),
        ("AWS_DEFAULT_REGION", installation.region.clone()),
        ("AWS_ACCESS_KEY_ID", keys.access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", keys.secret_access_key.clone()),
        ("FIRESTEEL_ROLE_ARN", installation.role_arn()),
    ];
    if let Some(authority) = &installation.authority {
        variables.push(("AWS_CA_BUNDLE", authority.display().to_string()));
    }
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
            exports(&installation, &installation.operator)
        );
        let shell = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
        let expected =
            "it's; rm -rf $HOME `x`\nhttp://127.0.0.1:9400\narn:aws:iam::000000000000:role/firesteel-job\n";
        assert_eq!(String::from_utf8(shell.stdout).unwrap(), expected);
    }

    #[test]
    fn exactly_the_six_variables_and_the_authority_if_there_is_one() {
        let parent = tempfile::tempdir().unwrap();
        let mut installation = DataFolder::choose(Some(parent.path().join("d"))).unwrap().open().unwrap();
        let names = |text: String| -> Vec<String> {
            let name =
                |line: &str| line.strip_prefix("export ").unwrap().split('=').next().unwrap().to_owned();
            text.lines().map(name).collect()
        };
        let mut expected = vec![
            "AWS_ENDPOINT_URL",
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "FIRESTEEL_ROLE_ARN",
        ];
        let keys = KeyPair::generate();
        let text = exports(&installation, &keys);
        assert!(text.contains(&keys.access_key_id) && !text.contains(&installation.operator.access_key_id));
        assert_eq!(names(text), expected);
        installation.authority = Some("/d/tls/ca.pem".into());
        expected.push("AWS_CA_BUNDLE");
        assert_eq!(names(exports(&installation, &keys)), expected);
    }

    #[test]
    fn words_of_a_shell() {
        for (text, word) in [("a-b/c:d", "a-b/c:d"), ("", "''"), ("a b", "'a b'"), ("it's", r"'it'\''s'")] {
            assert_eq!(quoted(text), word);
        }
    }
}
