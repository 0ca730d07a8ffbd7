//! How a command ends when it does not end well: one line on stderr and an exit code. It must not know any command.

use std::fmt;
use std::process::ExitCode;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// The command line cannot be understood: exit code 2.
    Usage(String),
    /// The service answered with an error, as the AWS CLI says it: exit code 254.
    Service(String),
    /// Anything else: exit code 1.
    Other(anyhow::Error),
    /// All is said already: this exit code.
    Silent(u8),
}

impl Failure {
    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Service(_) => 254,
            Self::Other(_) => 1,
            Self::Silent(code) => *code,
        }
    }

    /// Says it on stderr.
    pub fn report(&self) -> ExitCode {
        match self {
            Self::Silent(_) => {}
            Self::Service(_) => eprintln!("\n{self}"),
            _ => eprintln!("firesteel: {self}"),
        }
        ExitCode::from(self.code())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Service(text) => f.write_str(text),
            // The whole chain of causes in one line.
            Self::Other(error) => f.write_str(&format!("{error:#}").replace('\n', " ")),
            Self::Silent(code) => write!(f, "exit code {code}"),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn codes_and_one_line() {
        let cause = Err::<(), _>(anyhow::anyhow!("two\nlines")).context("reading").unwrap_err();
        let table = [
            (Failure::Usage("u".into()), 2, "u"),
            (Failure::Service("s".into()), 254, "s"),
            (Failure::Other(cause), 1, "reading: two lines"),
            (Failure::Silent(130), 130, "exit code 130"),
        ];
        for (failure, code, text) in table {
            assert_eq!((failure.code(), failure.to_string().as_str()), (code, text));
        }
    }
}
